/** Which tags of a project are guarded, and from whom; some from everyone. */
import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/schema.ts';

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
      .selectFrom('tag_protection_rules')
      .selectAll()
      .where('project_id', '=', projectId)
      .orderBy('id')
      .execute();
    return rows.map(fromRow);
  }

  async find(id: number): Promise<TagProtectionRule | undefined> {
    const row = await this.#db
      .selectFrom('tag_protection_rules')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** @throws UniqueViolation tag_protection_rules_project_id_tag_name_pattern, MissingOwner */
  async create(projectId: number, values: TagRuleValues): Promise<TagProtectionRule> {
    const row = await this.#db
      .insertInto('tag_protection_rules')
      .values({ project_id: projectId, ...columnsOf(values), created_at: this.#now() })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such rule. @throws UniqueViolation as {@link create} */
  async update(id: number, values: TagRuleValues): Promise<TagProtectionRule | undefined> {
    const row = await this.#db
      .updateTable('tag_protection_rules')
      .set(columnsOf(values))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('tag_protection_rules').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}

function columnsOf({ tagNamePattern, levels }: TagRuleValues) {
  return {
    tag_name_pattern: tagNamePattern,
    push_level: levels?.push ?? null,
    delete_level: levels?.delete ?? null,
  };
}

function fromRow(row: Selectable<Tables['tag_protection_rules']>): TagProtectionRule {
  const { push_level: push, delete_level: remove } = row;
  return {
    id: row.id,
    projectId: row.project_id,
    tagNamePattern: row.tag_name_pattern,
    levels: push === null || remove === null ? undefined : { push, delete: remove },
  };
}
