/** Programs that pull images for people at one machine. */
import { RefusedError } from '../acting/refused-error.ts';
import { imagesByPath, type ServerHost, type SetupPlace } from './setup-place.ts';

export function docker({ server, repository, isOpen }: SetupPlace): string {
  return lines(
    '# Docker, in a shell',
    !server.isSecure &&
      `# Unless it is this machine: { "insecure-registries": ["${server.name}"] } in /etc/docker/daemon.json`,
    !isOpen &&
      `printf %s "$REGISTRY_TOKEN" | docker login ${server.name} --username "$REGISTRY_USER" --password-stdin`,
    `docker pull ${repository}/library/alpine`,
  );
}

/** @throws RefusedError conflict where there is no mirror that dockerd can use */
export function dockerd({ mirror, registryId }: SetupPlace): string {
  if (!mirror?.isOpen) {
    throw new RefusedError(
      'conflict',
      `dockerd knows mirrors as hosts, and no login for them: the configuration needs one of virtual registry ${registryId} under mirrors, with anonymous: true`,
    );
  }
  const settings = {
    'registry-mirrors': [urlOf(mirror)],
    ...(!mirror.isSecure && { 'insecure-registries': [mirror.name] }),
  };
  return `${JSON.stringify(settings, undefined, 2)}\n`;
}

export function podman(place: SetupPlace): string {
  const { name, isOpen, tlsVerify } = registriesConfHost(place);
  return lines(
    '# /etc/containers/registries.conf.d/entrepot.conf: for Podman, Buildah and skopeo',
    !isOpen && `# and once: podman login ${name}${tlsVerify}`,
    ...registriesConf(place),
  );
}

export function crio(place: SetupPlace): string {
  const { name, isOpen, tlsVerify } = registriesConfHost(place);
  return lines(
    '# /etc/containers/registries.conf.d/entrepot.conf: for CRI-O, after which: systemctl reload crio',
    !isOpen &&
      `# and once, for global_auth_file of crio.conf: podman login --authfile /etc/crio/auth.json ${name}${tlsVerify}`,
    ...registriesConf(place),
  );
}

function registriesConfHost({ server, mirror, isOpen }: SetupPlace) {
  const host = mirror ?? { ...server, isOpen };
  return { ...host, tlsVerify: host.isSecure ? '' : ' --tls-verify=false' };
}

function registriesConf(place: SetupPlace): readonly string[] {
  const { name, isSecure } = registriesConfHost(place);
  const root = place.mirror ? name : place.repository;
  return imagesByPath(place).flatMap(({ host, path, below }) => [
    '',
    '[[registry]]',
    `prefix = "${host}${path}"`,
    `location = "${host}${path}"`,
    '',
    '[[registry.mirror]]',
    `location = "${root}${below}"`,
    ...(isSecure ? [] : ['insecure = true']),
  ]);
}

export function skopeo({ server, repository, isOpen }: SetupPlace): string {
  const tlsVerify = server.isSecure ? '' : ' --tls-verify=false';
  return lines(
    '# skopeo, in a shell',
    !isOpen &&
      `printf %s "$REGISTRY_TOKEN" | skopeo login${tlsVerify} --username "$REGISTRY_USER" --password-stdin ${server.name}`,
    `skopeo inspect${tlsVerify} docker://${repository}/library/alpine`,
  );
}

export function urlOf({ name, isSecure }: ServerHost): string {
  return `${isSecure ? 'https' : 'http'}://${name}`;
}

/** @param texts false: there is no such line */
export function lines(...texts: readonly (string | false)[]): string {
  return `${texts.filter((text) => text !== false).join('\n')}\n`;
}
