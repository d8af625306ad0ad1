import type { Kysely, Selectable } from 'kysely';
import { z } from 'zod';
import { offsetOf, type Page, type Paged } from './page.ts';
import type { Tables } from './schema.ts';

export interface AuditEvent {
  readonly id: number;
  readonly at: number;
  /** Undefined for the system and for anonymous callers. */
  readonly actorId: number | undefined;
  readonly actorName: string;
  readonly address: string | undefined;
  /** E.g. `upstream.update`. */
  readonly action: string;
  readonly targetType: string;
  readonly targetId: string;
  /** Without secrets. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface NewAuditEvent {
  readonly actorId?: number | undefined;
  readonly actorName: string;
  readonly address?: string | undefined;
  readonly action: string;
  readonly targetType: string;
  readonly targetId: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface AuditEventFilter {
  readonly targetType?: string | undefined;
  readonly targetId?: string | undefined;
}

const detailsSchema = z.record(z.string(), z.unknown());

export class AuditEvents {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Happened now. */
  async add(event: NewAuditEvent): Promise<void> {
    await this.#db
      .insertInto('audit_events')
      .values({
        at: this.#now(),
        actor_id: event.actorId ?? null,
        actor_name: event.actorName,
        address: event.address ?? null,
        action: event.action,
        target_type: event.targetType,
        target_id: event.targetId,
        details: JSON.stringify(event.details),
      })
      .execute();
  }

  /** Newest first. */
  async list({ targetType, targetId }: AuditEventFilter, page: Page): Promise<Paged<AuditEvent>> {
    let matching = this.#db.selectFrom('audit_events');
    if (targetType !== undefined) matching = matching.where('target_type', '=', targetType);
    if (targetId !== undefined) matching = matching.where('target_id', '=', targetId);
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll()
      .orderBy('id', 'desc')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }
}

function fromRow(row: Selectable<Tables['audit_events']>): AuditEvent {
  return {
    id: row.id,
    at: row.at,
    actorId: row.actor_id ?? undefined,
    actorName: row.actor_name,
    address: row.address ?? undefined,
    action: row.action,
    targetType: row.target_type,
    targetId: row.target_id,
    details: detailsSchema.parse(JSON.parse(row.details)),
  };
}
