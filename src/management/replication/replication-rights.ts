/** By whose rights a replication rule acts, and with which secrets. */
import type { Database } from '../../metadata/db/database.ts';
import type { ReplicationRule } from '../../metadata/replication/replication-rules.ts';
import { OciError } from '../../oci/errors.ts';
import type { Writer } from '../../oci/repository.ts';
import type { UpstreamSettings } from '../../upstreams/upstream.ts';
import { protectionLevelIn, writerOf } from '../acting/find-repository.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';
import { actorFor } from '../people/users.ts';
import type { UpstreamSecrets } from '../registries/upstream-settings.ts';

/**
 * Whoever made or changed the rule last, as long as they may change rules and pull from the project, or push to it.
 * @throws OciError DENIED
 */
export async function replicatorOf(database: Database, rule: ReplicationRule): Promise<Writer> {
  const user = rule.creatorId === undefined ? undefined : await database.users.find(rule.creatorId);
  const reference = String(rule.projectId);
  try {
    if (user?.state !== 'active') throw new RefusedError('forbidden');
    const actor = actorFor(user);
    const rights = new Rights();
    await rights.getProject(database, actor, reference, 'write');
    const action = rule.direction === 'push' ? 'pull' : 'push';
    const project = await rights.getProjectFor(database, actor, reference, action);
    return writerOf(actor, await protectionLevelIn(database, project, actor));
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const who = user?.username ?? 'whoever made it';
    const detail = `the rule acts for ${who}, who may not do that in the project any more: a Maintainer has to save the rule anew`;
    throw new OciError('DENIED', { detail, cause: error });
  }
}

/** @throws Error when the secret key is another one */
export function registryOf(secrets: UpstreamSecrets, rule: ReplicationRule): UpstreamSettings {
  const { id, name, url, allowPrivateNetwork, updatedAt } = rule;
  return {
    ...{ id, name, url, allowPrivateNetwork, updatedAt },
    credentials: secrets.open(rule),
    allowPatterns: [],
    denyPatterns: [],
    network: secrets.openNetwork(rule),
    cacheValidityHours: 0,
  };
}
