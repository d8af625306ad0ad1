/** What happens to tags here, as rules that replicate by event take it: in the transaction of the event, one row for a tag, however often it changes. */
import type { Kysely } from 'kysely';
import { parseDigest } from '../../oci/digest.ts';
import { octetStream } from '../../oci/media-types.ts';
import type { RegistryEvent } from '../../oci/registry-event.ts';
import type { Tables } from '../db/tables.ts';
import { openRun } from './replication-runs.ts';

/** How pushes of replication rules name themselves, so that two registries do not send the same back and forth. */
export const replicationAgent = '(replication)';

/** Rules are taken in one order, so that two who do it never wait for each other. */
export async function replicateEvents(
  tx: Kysely<Tables>,
  events: readonly RegistryEvent[],
  now: number,
): Promise<void> {
  const changed = events.filter(isChange);
  const projectIds = [...new Set(changed.map(({ projectId }) => projectId))];
  if (projectIds.length === 0) return;
  const rules = await tx
    .selectFrom('replicationRules')
    .select(['id', 'projectId', 'withReferrers', 'deletesTags'])
    .where('projectId', 'in', projectIds)
    .where('trigger', '=', 'event')
    .where('enabled', '=', true)
    .orderBy('id')
    .execute();
  for (const rule of rules) {
    const those = changed.filter(
      ({ projectId, action }) => projectId === rule.projectId && (action === 'push' || rule.deletesTags),
    );
    const tags = new Map<string, { readonly repository: string; readonly tag: string }>();
    for (const event of those)
      for (const tag of await tagsOf(tx, event, rule.withReferrers))
        tags.set(`${event.repository}:${tag}`, { repository: event.repository, tag });
    if (tags.size === 0) continue;
    const runId = await openRun(tx, rule.id, 'event', now);
    for (const { repository, tag } of tags.values())
      await tx
        .insertInto('replicationTags')
        .values({ runId, repository, tag, dueAt: now })
        .onConflict((conflict) =>
          conflict.columns(['runId', 'repository', 'tag']).doUpdateSet((eb) => ({
            dueAt: now,
            tries: 0,
            version: eb('replicationTags.version', '+', 1),
          })),
        )
        .execute();
  }
}

function isChange({ action, tag, mediaType, origin }: RegistryEvent): boolean {
  if (origin?.userAgent.endsWith(replicationAgent)) return false;
  return tag === undefined
    ? action === 'push' && mediaType !== octetStream
    : action === 'push' || action === 'delete';
}

/** Besides its own tag, those of what it is attached to. */
async function tagsOf(
  tx: Kysely<Tables>,
  { tag, repositoryId, digest, action }: RegistryEvent,
  withReferrers: boolean,
): Promise<readonly string[]> {
  const own = tag === undefined ? [] : [tag];
  const isAttached = withReferrers && action === 'push' && digest !== undefined;
  if (!isAttached) return own;
  const named = /^sha256-([0-9a-f]{64})\.(?:sig|att|sbom)$/.exec(tag ?? '')?.[1];
  const rows = await tx
    .selectFrom('tags')
    .select('name')
    .where('repositoryId', '=', repositoryId)
    .where((eb) =>
      eb.or([
        eb(
          'digest',
          'in',
          eb
            .selectFrom('manifestReferences')
            .select('manifestReferences.digest')
            .where('manifestDigest', '=', digest)
            .where('kind', '=', 'subject'),
        ),
        ...(named === undefined ? [] : [eb('digest', '=', parseDigest(`sha256:${named}`))]),
      ]),
    )
    .execute();
  return [...own, ...rows.map(({ name }) => name)];
}
