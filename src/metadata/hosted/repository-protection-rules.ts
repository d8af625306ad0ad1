/** Which repositories of a project are guarded, and from whom. */
import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/schema.ts';

export interface RepositoryProtectionRule {
  readonly id: number;
  readonly projectId: number;
  /** What comes after the project's full path; `*` is any text. */
  readonly pathPattern: string;
  /** The least role as of {@link Member.accessLevel}, or 60 for administrators; undefined: any, but not for both. */
  readonly levels: { readonly push: number | undefined; readonly delete: number | undefined };
}

export type RepositoryRuleValues = Pick<RepositoryProtectionRule, 'pathPattern' | 'levels'>;

export class RepositoryProtectionRules {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** All of a project, oldest first. */
  async list(projectId: number): Promise<readonly RepositoryProtectionRule[]> {
    const rows = await this.#db
      .selectFrom('repository_protection_rules')
      .selectAll()
      .where('project_id', '=', projectId)
      .orderBy('id')
      .execute();
    return rows.map(fromRow);
  }

  async find(id: number): Promise<RepositoryProtectionRule | undefined> {
    const row = await this.#db
      .selectFrom('repository_protection_rules')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** @throws UniqueViolation repository_protection_rules_project_id_path_pattern, MissingOwner */
  async create(projectId: number, values: RepositoryRuleValues): Promise<RepositoryProtectionRule> {
    const row = await this.#db
      .insertInto('repository_protection_rules')
      .values({ project_id: projectId, ...columnsOf(values), created_at: this.#now() })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such rule. @throws UniqueViolation as {@link create} */
  async update(id: number, values: RepositoryRuleValues): Promise<RepositoryProtectionRule | undefined> {
    const row = await this.#db
      .updateTable('repository_protection_rules')
      .set(columnsOf(values))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('repository_protection_rules').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}

function columnsOf({ pathPattern, levels }: RepositoryRuleValues) {
  return {
    path_pattern: pathPattern,
    push_level: levels.push ?? null,
    delete_level: levels.delete ?? null,
  };
}

function fromRow(row: Selectable<Tables['repository_protection_rules']>): RepositoryProtectionRule {
  return {
    id: row.id,
    projectId: row.project_id,
    pathPattern: row.path_pattern,
    levels: { push: row.push_level ?? undefined, delete: row.delete_level ?? undefined },
  };
}
