/** The same URL with the same names and credentials is in a group once. */
import type { Records } from '../../metadata/db/records.ts';
import type { UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import { RefusedError } from '../acting/refused-error.ts';
import type { UpstreamCredentials, UpstreamSecrets } from './upstream-settings.ts';

/** What makes an upstream another one than those of its group, besides its credentials. */
export interface NamedUpstream extends Pick<UpstreamRecord, 'groupId' | 'url'> {
  readonly id?: number;
  readonly stripPrefix?: string | null | undefined;
  readonly addPrefix?: string | null | undefined;
}

/** Within the change that makes it so. @throws RefusedError invalid */
export async function demandUnique(
  tx: Records,
  secrets: UpstreamSecrets,
  upstream: NamedUpstream,
  credentials: UpstreamCredentials | undefined,
): Promise<void> {
  const { id, groupId, url } = upstream;
  await tx.groups.hold(groupId);
  const others = (await tx.upstreams.listByUrl(groupId, url)).filter((other) => other.id !== id);
  if (others.some((other) => hasSameNames(other, upstream) && secrets.isStored(other, credentials))) {
    throw new RefusedError('invalid', { group: ['already has an upstream with the same credentials'] });
  }
}

export function hasSameNames(one: NamedUpstream, other: NamedUpstream): boolean {
  return (
    [one.stripPrefix ?? '', one.addPrefix ?? ''].join() ===
    [other.stripPrefix ?? '', other.addPrefix ?? ''].join()
  );
}
