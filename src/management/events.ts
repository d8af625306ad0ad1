/** Tells those who want to know of what is changed in repositories; part of the transaction of the change. */
import { nameOf } from '../auth/identity.ts';
import type { Records } from '../metadata/records.ts';
import type { RegistryEvent } from '../oci/registry-event.ts';
import type { Actor } from './actor.ts';

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
