/** Who changed what, from where: written in the transaction of the change, so that neither is there without the other. */
import { accessLevels } from '../../auth/rights/access-levels.ts';
import { userIdOf } from '../../auth/rights/identity.ts';
import type { Keyset, KeysetPart, Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { AuditEvent, AuditEventFilter, NewAuditEvent } from '../../metadata/server/audit-events.ts';
import type { PlaceReference } from '../namespaces/places.ts';
import { type Actor, actorNameOf } from './actor.ts';
import { RefusedError } from './refused-error.ts';
import { demandAdministrator, Rights } from './rights.ts';

/** What was changed, and where: who owns that, or a group above it, sees the event. */
export type Change = Omit<NewAuditEvent, 'actorId' | 'actorName' | 'address'>;

/** @param records of the change's transaction */
export function recordChange(
  { auditEvents }: Pick<Records, 'auditEvents'>,
  actor: Actor,
  change: Change,
): Promise<void> {
  const { identity, address } = actor;
  return auditEvents.add({ ...change, actorId: userIdOf(identity), actorName: actorNameOf(actor), address });
}

type AuditRecords = Pick<Records, 'auditEvents' | 'groups' | 'members' | 'projects'>;

/** What to look for; a place is asked for by its own call. */
export type AuditSearch = Omit<AuditEventFilter, 'groupPath' | 'projectPath'>;

export class AuditTrail {
  readonly #records: AuditRecords;
  readonly #rights = new Rights();

  constructor(records: AuditRecords) {
    this.#records = records;
  }

  /** Administrators see all events, newest first. @throws RefusedError unauthorized, forbidden */
  async list(actor: Actor, search: AuditSearch, page: Page): Promise<Paged<AuditEvent>> {
    demandAdministrator(actor, 'read');
    return this.#records.auditEvents.list(search, page);
  }

  /** As {@link list}, after another one. */
  async listAfter(actor: Actor, search: AuditSearch, keyset: Keyset): Promise<KeysetPart<AuditEvent>> {
    demandAdministrator(actor, 'read');
    return this.#records.auditEvents.listAfter(search, keyset);
  }

  /**
   * Owners see what happened in a group and below it, or in a project, newest first.
   * @throws RefusedError unauthorized, not-found, forbidden
   */
  async listOf(
    actor: Actor,
    reference: PlaceReference,
    search: AuditSearch,
    page: Page,
  ): Promise<Paged<AuditEvent>> {
    return this.#records.auditEvents.list(await this.#within(actor, reference, search), page);
  }

  /** As {@link listOf}, after another one. */
  async listOfAfter(
    actor: Actor,
    reference: PlaceReference,
    search: AuditSearch,
    keyset: Keyset,
  ): Promise<KeysetPart<AuditEvent>> {
    return this.#records.auditEvents.listAfter(await this.#within(actor, reference, search), keyset);
  }

  async #within(actor: Actor, reference: PlaceReference, search: AuditSearch): Promise<AuditEventFilter> {
    const { kind, placedAt, fullPath } = await this.#find(actor, reference);
    if (!(await this.#rights.hasRole(this.#records, actor, fullPath, accessLevels.owner))) {
      throw new RefusedError('forbidden');
    }
    // Another group or project may have had its path before.
    const createdAfter = Math.max(search.createdAfter ?? 0, placedAt);
    const place = kind === 'group' ? { groupPath: fullPath } : { projectPath: fullPath };
    return { ...search, ...place, createdAfter };
  }

  async #find(actor: Actor, { kind, reference }: PlaceReference) {
    const place =
      kind === 'group'
        ? await this.#rights.getGroup(this.#records, actor, reference, 'read')
        : await this.#rights.getProject(this.#records, actor, reference, 'read');
    return { ...place, kind };
  }
}
