import { type Kysely, type Selectable, sql } from 'kysely';
import { z } from 'zod';
import { parentPathOf } from '../../oci/reference.ts';
import { snakeCase } from '../db/names.ts';
import {
  isAfter,
  type Keyset,
  type KeysetPart,
  keysetPart,
  offsetOf,
  type Page,
  type Paged,
} from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import { below } from '../namespaces/below.ts';

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
  /** Full path of the group where it happened, as it was then. */
  readonly groupPath: string | undefined;
  /** Full path of the project in that group. */
  readonly projectPath: string | undefined;
}

export interface NewAuditEvent {
  readonly actorId?: number | undefined;
  readonly actorName: string;
  readonly address?: string | undefined;
  /** `upstream.update`: the kind of the target is what stands before the dot. */
  readonly action: string;
  readonly targetId: number | string;
  /** Never a secret. What is undefined is left out; names are kept as clients see them, in snake_case. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Full path of the group where it happened; of what happened in a project, the project's path says it. */
  readonly groupPath?: string | undefined;
  /** Full path of the project where it happened. */
  readonly projectPath?: string | undefined;
}

/**
 * Events outlive their places, and a path can be given again: who may read the events of a place because of a role there is to be
 * given none from before the place came to its path: see {@link Group.placedAt}.
 */
export interface AuditEventFilter {
  readonly actorId?: number | undefined;
  readonly action?: string | undefined;
  readonly targetType?: string | undefined;
  readonly targetId?: string | undefined;
  readonly address?: string | undefined;
  /** At that instant or later; epoch milliseconds. */
  readonly createdAfter?: number | undefined;
  /** At that instant or earlier; epoch milliseconds. */
  readonly createdBefore?: number | undefined;
  /** In the group of this full path, or in a group or project below it. */
  readonly groupPath?: string | undefined;
  /** In the project of this full path. */
  readonly projectPath?: string | undefined;
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
        target_type: targetTypeOf(event.action),
        target_id: String(event.targetId),
        details: JSON.stringify(snakeCased(event.details)),
        group_path:
          event.groupPath ?? (event.projectPath === undefined ? null : parentPathOf(event.projectPath)),
        project_path: event.projectPath ?? null,
      })
      .execute();
  }

  /** Newest first. */
  async list(filter: AuditEventFilter, page: Page): Promise<Paged<AuditEvent>> {
    const matching = this.#matching(filter);
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

  /** By number. */
  async listAfter(filter: AuditEventFilter, keyset: Keyset): Promise<KeysetPart<AuditEvent>> {
    const { direction, limit } = keyset;
    const query = this.#matching(filter).where(isAfter(keyset)).orderBy('id', direction);
    return keysetPart(
      (
        await query
          .selectAll()
          .limit(limit + 1)
          .execute()
      ).map(fromRow),
      keyset,
    );
  }

  #matching({ groupPath, createdAfter, createdBefore, ...filter }: AuditEventFilter) {
    let query = this.#db.selectFrom('audit_events');
    const exact = [
      ['actor_id', filter.actorId],
      ['action', filter.action],
      ['target_type', filter.targetType],
      ['target_id', filter.targetId],
      ['address', filter.address],
      ['project_path', filter.projectPath],
    ] as const;
    for (const [column, value] of exact) if (value !== undefined) query = query.where(column, '=', value);
    if (createdAfter !== undefined) query = query.where('at', '>=', createdAfter);
    if (createdBefore !== undefined) query = query.where('at', '<=', createdBefore);
    if (groupPath === undefined) return query;
    const path = sql.ref<string>('group_path');
    return query.where((eb) => eb.or([eb('group_path', '=', groupPath), below(path, groupPath)]));
  }
}

function targetTypeOf(action: string): string {
  return action.split('.', 1)[0] ?? action;
}

/** Of objects inside nothing is renamed. */
function snakeCased(details: NewAuditEvent['details']): NewAuditEvent['details'] {
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [snakeCase(name), value]));
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
    groupPath: row.group_path ?? undefined,
    projectPath: row.project_path ?? undefined,
  };
}
