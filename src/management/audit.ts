/** Who changed what, from where: written in the transaction of the change, so that neither is there without the other. */
import type { Identity } from '../auth/identity.ts';
import type { AuditEvent, AuditEventFilter, NewAuditEvent } from '../metadata/audit-events.ts';
import type { Page, Paged } from '../metadata/page.ts';
import type { Records } from '../metadata/records.ts';
import type { Actor } from './actor.ts';
import { demandAdministrator } from './rights.ts';

export interface Change {
  /** `upstream.update` */
  readonly action: string;
  /** The kind of what was changed is what stands before the action's dot. */
  readonly targetId: number | string;
  /** Never a secret. What is undefined is left out. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** @param records of the change's transaction */
export async function recordChange(
  records: Pick<Records, 'auditEvents'>,
  { identity, address }: Actor,
  { action, targetId, details }: Change,
): Promise<void> {
  const [targetType = action] = action.split('.', 1);
  await records.auditEvents.add({
    ...authorOf(identity),
    address,
    action,
    targetType,
    targetId: String(targetId),
    details,
  });
}

function authorOf(identity: Identity): Pick<NewAuditEvent, 'actorId' | 'actorName'> {
  switch (identity.kind) {
    case 'user':
      return { actorId: identity.userId, actorName: identity.username };
    case 'registry-token':
      return { actorId: identity.userId, actorName: identity.subject };
    case 'anonymous':
      return { actorName: identity.kind };
  }
}

export class AuditTrail {
  readonly #records: Pick<Records, 'auditEvents'>;

  constructor(records: Pick<Records, 'auditEvents'>) {
    this.#records = records;
  }

  /** For administrators. Newest first. @throws RefusedError */
  async list(actor: Actor, filter: AuditEventFilter, page: Page): Promise<Paged<AuditEvent>> {
    demandAdministrator(actor, 'read');
    return this.#records.auditEvents.list(filter, page);
  }
}
