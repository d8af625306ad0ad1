/** Which repositories of a project are guarded, and from whom. */
import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/tables.ts';

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
      .selectFrom('repositoryProtectionRules')
      .selectAll()
      .where('projectId', '=', projectId)
      .orderBy('id')
      .execute();
    return rows.map(fromRow);
  }

  async find(id: number): Promise<RepositoryProtectionRule | undefined> {
    const row = await this.#db
      .selectFrom('repositoryProtectionRules')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** @throws UniqueViolation repository_protection_rules_project_id_path_pattern, MissingOwner */
  async create(projectId: number, values: RepositoryRuleValues): Promise<RepositoryProtectionRule> {
    const row = await this.#db
      .insertInto('repositoryProtectionRules')
      .values({ projectId, ...columnsOf(values), createdAt: this.#now() })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such rule. @throws UniqueViolation as {@link create} */
  async update(id: number, values: RepositoryRuleValues): Promise<RepositoryProtectionRule | undefined> {
    const row = await this.#db
      .updateTable('repositoryProtectionRules')
      .set(columnsOf(values))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('repositoryProtectionRules').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}

function columnsOf({ pathPattern, levels }: RepositoryRuleValues) {
  return {
    pathPattern,
    pushLevel: levels.push ?? null,
    deleteLevel: levels.delete ?? null,
  };
}

function fromRow(row: Selectable<Tables['repositoryProtectionRules']>): RepositoryProtectionRule {
  return {
    id: row.id,
    projectId: row.projectId,
    pathPattern: row.pathPattern,
    levels: { push: row.pushLevel ?? undefined, delete: row.deleteLevel ?? undefined },
  };
}
