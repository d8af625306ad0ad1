/** What is left of a change: its audit event, and what those are told who want to know of it. Parts of the transaction of the change. */
import type { Records } from '../../metadata/db/records.ts';
import { parentPathOf } from '../../oci/reference.ts';
import type { RegistryEvent } from '../../oci/registry-event.ts';
import type { Changer, WriteTarget } from './write-target.ts';

export type WriteAction =
  | 'manifest.push'
  | 'manifest.delete'
  | 'tag.delete'
  | 'tag.delete_many'
  | 'tag.request_delete_many'
  | 'tag.restore'
  | 'blob.delete'
  | 'repository.delete';

/**
 * The target is written as clients write it: `acme/shop@sha256:…`, `acme/shop:v1`. Whoever is no user, but a deploy token or a job, is
 * told in the details.
 * @param reference digest or tag; undefined: of the repository itself
 */
export async function recordWrite(
  tx: Pick<Records, 'auditEvents'>,
  { projectId, projectPath, name, writer }: WriteTarget,
  action: WriteAction,
  reference: string | undefined,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await tx.auditEvents.add({
    actorId: writer.userId,
    actorName: writer.name,
    address: writer.address,
    action,
    targetId: reference === undefined ? name : `${name}${reference.includes(':') ? '@' : ':'}${reference}`,
    details: {
      projectId,
      repository: name,
      ...(writer.userId === undefined && { writer: writer.key }),
      ...details,
    },
    projectPath,
  });
}

export type WriteEvent = Omit<
  RegistryEvent,
  'projectId' | 'repositoryId' | 'repository' | 'actorName' | 'origin'
>;

/** Whoever calls it holds the repository, so that its events keep their order. */
export function recordEvents(
  tx: Pick<Records, 'webhookOutbox'>,
  { projectId, name, writer }: WriteTarget,
  repositoryId: number,
  ...events: readonly WriteEvent[]
): Promise<void> {
  return tellOf(tx, writer, [{ id: repositoryId, projectId, name }], ...events);
}

/** As {@link recordEvents}, the same event for each of several repositories. */
export async function tellOf(
  tx: Pick<Records, 'webhookOutbox'>,
  { name: actorName, origin }: Pick<Changer, 'name' | 'origin'>,
  repositories: readonly { readonly id: number; readonly projectId: number; readonly name: string }[],
  ...events: readonly WriteEvent[]
): Promise<void> {
  await tx.webhookOutbox.add(
    ...repositories.flatMap(({ id: repositoryId, projectId, name: repository }) =>
      events.map((event) => ({ ...event, projectId, repositoryId, repository, actorName, origin })),
    ),
  );
}

/**
 * Records and tells that repositories have another name: the one that was renamed and all that came along.
 * @param from what they were called by: a repository, a project or a group. @param to by what they are now
 */
export async function recordRename(
  tx: Pick<Records, 'webhookOutbox' | 'repositories'>,
  { name: actorName, origin }: Pick<Changer, 'name' | 'origin'>,
  from: string,
  to: string,
): Promise<void> {
  const type = parentPathOf(from) === parentPathOf(to) ? 'name' : 'namespace';
  const moved = await tx.repositories.listNamed(to);
  await tx.webhookOutbox.add(
    ...moved.map(({ id: repositoryId, projectId, name: repository }) => ({
      action: 'rename' as const,
      rename: { type, from: from + repository.slice(to.length), to: repository } as const,
      projectId,
      repositoryId,
      repository,
      actorName,
      origin,
    })),
  );
}
