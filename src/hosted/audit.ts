import type { Records } from '../metadata/db/records.ts';
import type { PushTarget } from './uploads/push-target.ts';

export type WriteAction = 'manifest.push' | 'manifest.delete' | 'tag.delete' | 'blob.delete';

/**
 * Part of the transaction of the change. The target is written as clients write it: `acme/shop@sha256:…`, `acme/shop:v1`. Whoever
 * is no user, but a deploy token or a job, is told in the details.
 * @param reference digest or tag
 */
export async function recordWrite(
  tx: Pick<Records, 'auditEvents'>,
  { projectId, projectPath, name, writer }: PushTarget,
  action: WriteAction,
  reference: string,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const [targetType = action] = action.split('.', 1);
  await tx.auditEvents.add({
    actorId: writer.userId,
    actorName: writer.name,
    address: writer.address,
    action,
    targetType,
    targetId: `${name}${reference.includes(':') ? '@' : ':'}${reference}`,
    details: {
      project_id: projectId,
      repository: name,
      ...(writer.userId === undefined && { writer: writer.key }),
      ...details,
    },
    projectPath,
  });
}
