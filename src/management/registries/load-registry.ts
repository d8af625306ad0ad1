/** A virtual registry as its records say it. */

import type { Database } from '../../metadata/db/database.ts';
import { OciError } from '../../oci/errors.ts';
import type { ConfiguredRegistry } from '../../proxy/virtual-registries.ts';
import { offReasonOf } from '../acting/needs.ts';
import type { ApplicationSettings } from '../server/application-settings.ts';
import type { UpstreamSecrets } from './upstream-settings.ts';

export interface RegistryLoading {
  readonly database: Database;
  readonly secrets: UpstreamSecrets;
  readonly settings: Pick<ApplicationSettings, 'offReason'>;
}

/** @throws OciError NAME_UNKNOWN where it is turned off, which pulls by those who may know of it come to */
export async function loadRegistry(
  { database, secrets, settings }: RegistryLoading,
  id: number,
  showsPrivate: boolean,
): Promise<ConfiguredRegistry | undefined> {
  const registry = await database.virtualRegistries.find(id);
  if (!registry) return undefined;
  const { groupId } = registry;
  const group = await database.groups.find(groupId);
  if (!group) return undefined;
  const detail = (await settings.offReason('virtual')) ?? offReasonOf(group);
  if (detail !== undefined) throw new OciError('NAME_UNKNOWN', { detail });
  const upstreams = (await database.upstreams.listByRegistry(id)).map((record) => secrets.settingsOf(record));
  const groupPath = registry.anonymousPull && !showsPrivate ? '' : group.fullPath;
  return { id, groupId, groupPath, isOpen: registry.anonymousPull, upstreams };
}
