/** Where clients are sent to: what a template is filled with. It has no secrets: whoever uses a template puts theirs in. */
import type { UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import { virtualName } from '../../oci/reference.ts';
import { dockerHubUrl, registryHostOf } from '../../oci/registry-host.ts';
import { localPathOf } from '../../upstreams/local-upstream.ts';

/** A host of this server. */
export interface ServerHost {
  /** With the port, as images are called by it. */
  readonly name: string;
  /** False: plain HTTP, which most clients want to be told. */
  readonly isSecure: boolean;
}

export interface MirrorHost extends ServerHost {
  /** Whether everyone may pull there. */
  readonly isOpen: boolean;
  /** Hosts of registries whose images are there whatever upstreams it has. */
  readonly standsFor: readonly string[];
}

/** Images at a registry that are there through the virtual registry, too. */
export interface MirroredImages {
  /** Of the registry, as images are called by it. */
  readonly host: string;
  readonly url: string;
  /** Of the images, below the host; empty: all of them. */
  readonly path: string;
  /** What their names begin with here, with a slash; empty: nothing. */
  readonly below: string;
}

export interface SetupPlace {
  readonly server: ServerHost;
  readonly registryId: number;
  /** What images of the virtual registry begin with, without a slash at the end. */
  readonly repository: string;
  /** Whether everyone may pull. */
  readonly isOpen: boolean;
  /** Undefined: it has none. */
  readonly mirror: MirrorHost | undefined;
  /** At least one, in the order of the upstreams. */
  readonly images: readonly MirroredImages[];
}

/** A mirror as it is configured. */
export interface ConfiguredMirror {
  readonly host?: string | undefined;
  /** It is host:port. */
  readonly address?: string | undefined;
  readonly registry: number;
  readonly anonymous: boolean;
  readonly standsFor: readonly string[];
}

export interface PlaceOptions {
  readonly externalUrl: string;
  readonly registry: { readonly id: number; readonly anonymousPull: boolean };
  /** Of the registry, in their order. */
  readonly upstreams: readonly Pick<UpstreamRecord, 'url' | 'stripPrefix' | 'addPrefix'>[];
  readonly mirrors: readonly ConfiguredMirror[];
  /** Whether this server ends TLS itself. */
  readonly hasTls: boolean;
}

export function setupPlace({ externalUrl, registry, upstreams, mirrors, hasTls }: PlaceOptions): SetupPlace {
  const url = new URL(externalUrl);
  const server = { name: url.host, isSecure: url.protocol === 'https:' };
  const isOpen = registry.anonymousPull;
  const ofRegistry = mirrors.filter((mirror) => mirror.registry === registry.id);
  const chosen = ofRegistry.find(({ anonymous }) => anonymous) ?? ofRegistry[0];
  return {
    server,
    registryId: registry.id,
    repository: `${url.host}/${virtualName(registry.id, '').slice(0, -1)}`,
    isOpen,
    mirror: chosen && {
      ...mirrorHost(chosen, url, hasTls),
      isOpen: isOpen || chosen.anonymous,
      standsFor: chosen.standsFor.map(registryHostOf),
    },
    images: imagesOf(upstreams),
  };
}

function mirrorHost({ host, address = '' }: ConfiguredMirror, server: URL, hasTls: boolean): ServerHost {
  if (host !== undefined) {
    const port = server.port === '' ? '' : `:${server.port}`;
    return { name: host + port, isSecure: server.protocol === 'https:' };
  }
  const [, own = '', port = ''] = /^(.*):([0-9]+)$/.exec(address) ?? [];
  const isEverywhere = ['', '0.0.0.0', '[::]'].includes(own);
  return { name: `${isEverywhere ? server.hostname : own}:${port}`, isSecure: hasTls };
}

const dockerHub = { host: 'docker.io', url: dockerHubUrl, path: '', below: '' };

function imagesOf(upstreams: PlaceOptions['upstreams']): readonly MirroredImages[] {
  const images = upstreams
    .filter(({ url }) => localPathOf(url) === undefined)
    .map(({ url, stripPrefix, addPrefix }) => ({
      host: registryHostOf(url),
      url: registryHostOf(url) === dockerHub.host ? dockerHub.url : new URL(url).origin,
      path: addPrefix === undefined ? '' : `/${addPrefix}`,
      below: stripPrefix === undefined ? '' : `/${stripPrefix}`,
    }));
  return images.length === 0 ? [dockerHub] : images;
}

/**
 * The images that clients get by a path of the virtual registry: those with a path of their own, and of those without one the first, since
 * whatever is not below a path is asked of all upstreams; or what the mirror as a whole stands for.
 */
export function imagesByPath({ images, mirror }: SetupPlace): readonly MirroredImages[] {
  const first = images.find(({ below }) => below === '');
  const stoodFor = (mirror?.standsFor ?? []).map((host) => ({ host, url: urlAt(host), path: '', below: '' }));
  const whole = stoodFor.length > 0 ? stoodFor : first ? [first] : [];
  return [...whole, ...images.filter(({ below }) => below !== '')];
}

/** The registries whose images clients get from the mirror by saying whose they want. */
export function registriesByHost({
  images,
  mirror,
}: SetupPlace): readonly Pick<MirroredImages, 'host' | 'url'>[] {
  const urls = new Map((mirror?.standsFor ?? []).map((host) => [host, urlAt(host)]));
  for (const { host, url } of images) urls.set(host, url);
  return [...urls].map(([host, url]) => ({ host, url }));
}

function urlAt(host: string): string {
  return host === dockerHub.host ? dockerHub.url : `https://${host}`;
}
