import { type Generated, type Insertable, type Kysely, sql } from 'kysely';
import { parentPathOf } from '../../oci/reference.ts';
import { snakeCase } from '../db/names.ts';
import type { Keyset, KeysetPart, Page, Paged } from '../db/page.ts';
import { descending, indexed, type Naming, type Pages, unindexed } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import { below } from '../namespaces/below.ts';

export interface AuditEventTable {
  id: Generated<number>;
  /** Epoch milliseconds. */
  at: number;
  /** Undefined for the system and for anonymous callers. */
  actorId: Optional<number>;
  actorName: string;
  address: Optional<string>;
  /** E.g. `upstream.update`. */
  action: string;
  targetType: string;
  targetId: string;
  /** Without secrets; its names are in snake_case, as the API shows them. */
  details: Readonly<Record<string, unknown>>;
  /** Full path of the group where it happened, as it was then. */
  groupPath: Optional<string>;
  /** Full path of the project in that group. */
  projectPath: Optional<string>;
}

export type AuditEvent = RecordOf<AuditEventTable>;

/** Where something happened in a project, the project's path says the group's as well. */
export type NewAuditEvent = Readonly<
  Omit<Insertable<AuditEventTable>, 'id' | 'at' | 'targetType' | 'targetId' | 'details'>
> & {
  /** What was changed; its kind is what stands before the dot of the action. */
  readonly targetId: number | string;
  /** Never a secret. What is undefined is left out; names are kept as clients see them, in snake_case. */
  readonly details: Readonly<Record<string, unknown>>;
};

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

export class AuditEvents {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, now: () => number, pages: Pages, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
    this.#pages = pages;
  }

  /** The event happened now. */
  async add(event: NewAuditEvent): Promise<void> {
    const { action, projectPath, groupPath = projectPath && parentPathOf(projectPath) } = event;
    await this.#db
      .insertInto('auditEvents')
      .values({
        ...event,
        at: this.#now(),
        targetType: action.split('.', 1)[0] ?? action,
        targetId: String(event.targetId),
        details: snakeCased(event.details),
        groupPath,
      })
      .execute();
  }

  /** Newest first. */
  list(filter: AuditEventFilter, page: Page): Promise<Paged<AuditEvent>> {
    return this.#pages.list(this.#ways(filter), descending('id'), page);
  }

  /** By number. */
  listAfter(filter: AuditEventFilter, keyset: Keyset): Promise<KeysetPart<AuditEvent>> {
    return this.#pages.listById(this.#ways(filter), 'id', keyset);
  }

  /** Only of a group, or of all targets of a type, are the indexes in another order. */
  #ways(filter: AuditEventFilter) {
    const { groupPath, targetType, targetId } = filter;
    const few = this.#matching(filter);
    const isInOrder = groupPath === undefined && (targetType === undefined || targetId !== undefined);
    return isInOrder ? few : { few, many: this.#matching(filter, unindexed) };
  }

  #matching({ groupPath, createdAfter, createdBefore, ...filter }: AuditEventFilter, name: Naming = indexed) {
    let query = this.#reading.selectFrom('auditEvents').selectAll();
    const exact = [
      ['actorId', filter.actorId],
      ['action', filter.action],
      ['targetId', filter.targetId],
      ['address', filter.address],
      ['projectPath', filter.projectPath],
    ] as const;
    for (const [column, value] of exact) if (value !== undefined) query = query.where(column, '=', value);
    const { targetType } = filter;
    if (targetType !== undefined)
      query = query.where((eb) => eb(name(eb.ref('targetType')), '=', targetType));
    if (createdAfter !== undefined) query = query.where('at', '>=', createdAfter);
    if (createdBefore !== undefined) query = query.where('at', '<=', createdBefore);
    if (groupPath === undefined) return query;
    const path = name(sql.ref<string>('groupPath'));
    return query.where((eb) => eb.or([eb(path, '=', groupPath), below(path, groupPath)]));
  }
}

/** Only the outermost names are changed: inside objects they are data. */
function snakeCased(details: NewAuditEvent['details']): NewAuditEvent['details'] {
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [snakeCase(name), value]));
}
