/** Which tags of a project are guarded, and from whom; some from everyone. */
import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/tables.ts';

export interface TagProtectionRule {
  readonly id: number;
  readonly projectId: number;
  /** RE2. */
  readonly tagNamePattern: string;
  /** The least role as of {@link Member.accessLevel}, or 60 for administrators; undefined: immutable. */
  readonly levels: { readonly push: number; readonly delete: number } | undefined;
}

export type TagRuleValues = Pick<TagProtectionRule, 'tagNamePattern' | 'levels'>;

export class TagProtectionRules {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** All of a project, oldest first. */
  async list(projectId: number): Promise<readonly TagProtectionRule[]> {
    const rows = await this.#db
      .selectFrom('tagProtectionRules')
      .selectAll()
      .where('projectId', '=', projectId)
      .orderBy('id')
      .execute();
    return rows.map(fromRow);
  }

  async find(id: number): Promise<TagProtectionRule | undefined> {
    const row = await this.#db
      .selectFrom('tagProtectionRules')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** @throws UniqueViolation tag_protection_rules_project_id_tag_name_pattern, MissingOwner */
  async create(projectId: number, values: TagRuleValues): Promise<TagProtectionRule> {
    const row = await this.#db
      .insertInto('tagProtectionRules')
      .values({ projectId, ...columnsOf(values), createdAt: this.#now() })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such rule. @throws UniqueViolation as {@link create} */
  async update(id: number, values: TagRuleValues): Promise<TagProtectionRule | undefined> {
    const row = await this.#db
      .updateTable('tagProtectionRules')
      .set(columnsOf(values))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('tagProtectionRules').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}

function columnsOf({ tagNamePattern, levels }: TagRuleValues) {
  return {
    tagNamePattern,
    pushLevel: levels?.push ?? null,
    deleteLevel: levels?.delete ?? null,
  };
}

function fromRow(row: Selectable<Tables['tagProtectionRules']>): TagProtectionRule {
  const { pushLevel: push, deleteLevel: remove } = row;
  return {
    id: row.id,
    projectId: row.projectId,
    tagNamePattern: row.tagNamePattern,
    levels: push === undefined || remove === undefined ? undefined : { push, delete: remove },
  };
}
