import type { Kysely, Selectable } from 'kysely';
import { containing } from './containing.ts';
import { offsetOf, type Page, type Paged } from './page.ts';
import type { Tables } from './schema.ts';

export type Visibility = 'private' | 'internal' | 'public';

export interface Group {
  readonly id: number;
  readonly parentId: number | undefined;
  readonly name: string;
  readonly path: string;
  readonly fullPath: string;
  readonly description: string | undefined;
  readonly visibility: Visibility;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface NewGroup {
  readonly parentId?: number | undefined;
  readonly name: string;
  readonly path: string;
  /** Lower case. */
  readonly fullPath: string;
  readonly description?: string | undefined;
  readonly visibility: Visibility;
}

export interface GroupFilter {
  /** Part of the name or full path. */
  readonly search?: string | undefined;
  /** Only groups of these visibilities, and those that the member belongs to; undefined: all. */
  readonly visibleTo?:
    | { readonly visibilities: readonly Visibility[]; readonly memberId: number | undefined }
    | undefined;
}

export class Groups {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** By full path. */
  async list(filter: GroupFilter, page: Page): Promise<Paged<Group>> {
    const matching = this.#matching(filter);
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll()
      .orderBy('full_path')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }

  #matching({ search, visibleTo }: GroupFilter) {
    let query = this.#db.selectFrom('groups');
    if (search) {
      query = query.where((eb) =>
        eb.or([containing(eb.ref('name'), search), containing(eb.ref('full_path'), search)]),
      );
    }
    if (!visibleTo) return query;
    const { visibilities, memberId } = visibleTo;
    const now = this.#now();
    return query.where((eb) => {
      const isMember = eb.exists(
        eb
          .selectFrom('members')
          .select('user_id')
          .whereRef('group_id', '=', 'groups.id')
          .where('user_id', '=', memberId ?? 0)
          .where((or) => or.or([or('expires_at', 'is', null), or('expires_at', '>', now)])),
      );
      return eb.or([eb('visibility', 'in', visibilities), ...(memberId === undefined ? [] : [isMember])]);
    });
  }

  async find(id: number): Promise<Group | undefined> {
    const row = await this.#db.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirst();
    return row && fromRow(row);
  }

  /** @param fullPath in lower case */
  async findByPath(fullPath: string): Promise<Group | undefined> {
    const row = await this.#db
      .selectFrom('groups')
      .selectAll()
      .where('full_path', '=', fullPath)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /**
   * Makes other transactions that hold the same group wait for this one's end, so that what is counted stays so.
   * False when there is no such group.
   */
  async hold(id: number): Promise<boolean> {
    const query = this.#db.selectFrom('groups').select('id').where('id', '=', id).forNoKeyUpdate();
    return (await query.executeTakeFirst()) !== undefined;
  }

  /** @throws UniqueViolation groups_full_path, MissingOwner */
  async create(group: NewGroup): Promise<Group> {
    const now = this.#now();
    const { name, path, visibility } = group;
    const row = await this.#db
      .insertInto('groups')
      .values({
        parent_id: group.parentId ?? null,
        name,
        path,
        full_path: group.fullPath,
        description: group.description ?? null,
        visibility,
        created_at: now,
        updated_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** With its registries, upstreams, entries and members. False when there was none. */
  async remove(id: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('groups')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }
}

function fromRow(row: Selectable<Tables['groups']>): Group {
  return {
    id: row.id,
    parentId: row.parent_id ?? undefined,
    name: row.name,
    path: row.path,
    fullPath: row.full_path,
    description: row.description ?? undefined,
    visibility: row.visibility,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
