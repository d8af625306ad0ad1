/** What pulls images for the workloads of a machine, and says with `?ns=` whose they are. */
import { stringify } from 'yaml';
import { lines, urlOf } from './engines.ts';
import { imagesByPath, registriesByHost, type SetupPlace } from './setup-place.ts';

interface Route {
  /** Of the registry that images are called by. */
  readonly host: string;
  readonly url: string;
  /** Where its images are here, below /v2; empty at a mirror. */
  readonly path: string;
}

/** By the mirror where there is one; else by paths, which have no registry of which only a part is here. */
function routesOf(place: SetupPlace): readonly Route[] {
  if (place.mirror) return registriesByHost(place).map((registry) => ({ ...registry, path: '' }));
  const root = place.repository.slice(place.server.name.length);
  return imagesByPath(place)
    .filter(({ path }) => path === '')
    .map(({ host, url, below }) => ({ host, url, path: root + below }));
}

export function containerd(place: SetupPlace): string {
  const host = place.mirror ?? place.server;
  const isOpen = place.mirror?.isOpen ?? place.isOpen;
  return lines(
    '# containerd, in a shell. Its configuration has config_path = "/etc/containerd/certs.d" for registries; ctr takes it by --hosts-dir',
    `certs_d="\${CERTS_D:-/etc/containerd/certs.d}"`,
    !isOpen && `authorization="Basic $(printf %s "$REGISTRY_USER:$REGISTRY_TOKEN" | base64 | tr -d '\\n')"`,
    ...routesOf(place).flatMap((route) => {
      const url = `${urlOf(host)}${route.path === '' ? '' : `/v2${route.path}`}`;
      return [
        '',
        `mkdir -p "$certs_d/${route.host}"`,
        `cat > "$certs_d/${route.host}/hosts.toml" <<EOF`,
        `server = "${route.url}"`,
        '',
        `[host."${url}"]`,
        '  capabilities = ["pull", "resolve"]',
        route.path !== '' && '  override_path = true',
        !isOpen && `  [host."${url}".header]`,
        !isOpen && '    authorization = "$authorization"',
        'EOF',
      ];
    }),
  );
}

export function k3s(place: SetupPlace): string {
  const host = place.mirror ?? place.server;
  const isOpen = place.mirror?.isOpen ?? place.isOpen;
  const mirrors = routesOf(place).map((route) => [
    route.host,
    {
      endpoint: [urlOf(host)],
      ...(route.path !== '' && { rewrite: { '^(.*)$': `${route.path.slice(1)}/$1` } }),
    },
  ]);
  const auth = { username: 'USERNAME', password: 'TOKEN' };
  return lines(
    '# /etc/rancher/k3s/registries.yaml, after which: systemctl restart k3s',
    stringify({
      mirrors: Object.fromEntries(mirrors),
      ...(!isOpen && { configs: { [host.name]: { auth } } }),
    }).trimEnd(),
  );
}

export function buildkit(place: SetupPlace): string {
  const host = place.mirror ?? place.server;
  const isOpen = place.mirror?.isOpen ?? place.isOpen;
  return lines(
    '# /etc/buildkit/buildkitd.toml',
    !isOpen && `# and once, where buildctl or docker buildx runs: docker login ${host.name}`,
    ...routesOf(place).flatMap((route) => [
      '',
      `[registry."${route.host}"]`,
      `  mirrors = ["${host.name}${route.path}"]`,
    ]),
    !host.isSecure && `\n[registry."${host.name}"]\n  http = true`,
  );
}
