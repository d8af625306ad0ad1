/** Virtual registries without the prefix of their names, for clients that know mirrors as hosts alone, such as Docker's `registry-mirrors`. */
import type { IncomingMessage } from 'node:http';
import { virtualName } from '../oci/reference.ts';
import { registryHostOf, type UpstreamChoice } from '../oci/registry-host.ts';
import type { TrustedProxies } from './forwarded.ts';

export interface Mirror {
  readonly registryId: number;
  /** Whether nobody has to log in to pull through this registry here. */
  readonly isAnonymous: boolean;
  /** Hosts of registries, by {@link registryHostOf}, that all of its upstreams stand for. */
  readonly standsFor: ReadonlySet<string>;
}

/** Finds the mirror that a request came to, where it has a host name and no port of its own. */
export type FindMirror = (request: IncomingMessage) => Mirror | undefined;

/** @param mirrors by their host names, in lower case. Proxies that are trusted say which host was asked */
export function mirrorsByHost(
  mirrors: ReadonlyMap<string, Mirror>,
  proxies: Pick<TrustedProxies, 'claims'>,
): FindMirror {
  if (mirrors.size === 0) return () => undefined;
  return ({ socket, headers }) => {
    const host = proxies.claims(socket.remoteAddress, headers).host ?? headers.host ?? '';
    return mirrors.get(host.toLowerCase().replace(/:[0-9]*$/, ''));
  };
}

/** What a client of a mirror means by an image's name. */
export interface MirroredName {
  /** By which everybody knows it; not parsed yet. */
  readonly name: string;
  readonly choice: UpstreamChoice | undefined;
}

/** @param query with the `ns` that containerd and BuildKit send: the host that their user named */
export function mirroredName(
  { registryId, isAnonymous, standsFor }: Mirror,
  image: string,
  query: string,
): MirroredName {
  const name = virtualName(registryId, image);
  const namespace = query === '' ? null : new URLSearchParams(query).get('ns');
  const host = namespace ? registryHostOf(namespace) : undefined;
  const choice = host === undefined || standsFor.has(host) ? undefined : { host, isForEveryone: isAnonymous };
  return { name, choice };
}
