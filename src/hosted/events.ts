/** Tells those who want to know of what is written; part of the transaction of the change. */
import type { Records } from '../metadata/db/records.ts';
import type { RegistryEvent } from '../oci/registry-event.ts';
import type { PushTarget } from './uploads/push-target.ts';

export type WriteEvent = Omit<
  RegistryEvent,
  'projectId' | 'repositoryId' | 'repository' | 'actorName' | 'origin'
>;

/** With the repository held, so that its events have their order. */
export async function recordEvents(
  tx: Pick<Records, 'webhookOutbox'>,
  { projectId, name, writer }: PushTarget,
  repositoryId: number,
  ...events: readonly WriteEvent[]
): Promise<void> {
  const common = { projectId, repositoryId, repository: name, actorName: writer.name, origin: writer.origin };
  await tx.webhookOutbox.add(...events.map((event) => ({ ...event, ...common })));
}
