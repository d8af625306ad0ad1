/** Tells whoever made a change, and the audit trail, where it lets everyone pull what is not public. */

import type { Records } from '../../metadata/db/records.ts';
import type { Exposures } from '../../metadata/namespaces/exposures.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';

/** To be called after the change, in its transaction. @param of what was changed */
export async function tellExposures(
  tx: Pick<Records, 'exposures' | 'auditEvents'>,
  actor: Actor,
  of: Parameters<Exposures['list']>[0],
): Promise<void> {
  for (const { registryId, groupPath, path } of await tx.exposures.list(of)) {
    actor.warn?.(
      `everyone may pull what is not public in ${path} through virtual registry ${registryId}: it allows anonymous pulls and has ${path} as an upstream (unless virtual_registries.anonymous_private is false)`,
    );
    const details = { upstream: path };
    await recordChange(tx, actor, {
      action: 'virtual_registry.expose',
      targetId: registryId,
      details,
      groupPath,
    });
  }
}
