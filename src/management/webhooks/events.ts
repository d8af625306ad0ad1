/** Tells those who want to know of what is changed in repositories; part of the transaction of the change. */

import { nameOf } from '../../auth/rights/identity.ts';
import type { Records } from '../../metadata/db/records.ts';
import { parentPathOf } from '../../oci/reference.ts';
import type { RegistryEvent } from '../../oci/registry-event.ts';
import type { Actor } from '../acting/actor.ts';

interface ChangedRepository {
  readonly id: number;
  readonly projectId: number;
  readonly name: string;
}

type ChangeEvent = Omit<RegistryEvent, 'projectId' | 'repositoryId' | 'repository' | 'actorName' | 'origin'>;

/** The same of each of the repositories; where they are held, in the order of what else happens to them. */
export async function recordEvent(
  tx: Pick<Records, 'webhookOutbox'>,
  { identity, origin }: Actor,
  event: ChangeEvent,
  ...repositories: readonly ChangedRepository[]
): Promise<void> {
  const actorName = nameOf(identity) ?? identity.kind;
  await tx.webhookOutbox.add(
    ...repositories.map(({ id, projectId, name }) => ({
      ...event,
      projectId,
      repositoryId: id,
      repository: name,
      actorName,
      origin,
    })),
  );
}

/**
 * Of all repositories that came along to another name.
 * @param from what they were called by: a repository, a project or a group. @param to by what they are now
 */
export async function recordRename(
  tx: Pick<Records, 'webhookOutbox' | 'repositories'>,
  { identity, origin }: Actor,
  from: string,
  to: string,
): Promise<void> {
  const type = parentPathOf(from) === parentPathOf(to) ? 'name' : 'namespace';
  const actorName = nameOf(identity) ?? identity.kind;
  const moved = await tx.repositories.listNamed(to);
  await tx.webhookOutbox.add(
    ...moved.map(({ id, projectId, name }) => ({
      action: 'rename' as const,
      rename: { type, from: from + name.slice(to.length), to: name } as const,
      projectId,
      repositoryId: id,
      repository: name,
      actorName,
      origin,
    })),
  );
}
