/** Which repositories and tags of a project are guarded, and from whom. */
import type { Generated, Insertable, Kysely } from 'kysely';
import type { RecordOf, Tables } from '../db/tables.ts';

/** unique (projectId, kind, pattern) */
export interface ProtectionRuleTable {
  id: Generated<number>;
  projectId: number;
  /** immutable_tag: nobody may do it, and the levels are 0. */
  kind: 'repository' | 'tag' | 'immutable_tag';
  /** For repositories: what comes after the project's full path, `*` being any text. For tags: RE2. */
  pattern: string;
  /**
   * The least {@link Member.accessLevel} that may push, or 60 for administrators; 0: any, which one of the levels is at most, but for
   * immutable tags.
   */
  pushLevel: number;
  deleteLevel: number;
  createdAt: number;
}

export type ProtectionRule = RecordOf<ProtectionRuleTable>;

type NewRule = Readonly<Omit<Insertable<ProtectionRuleTable>, 'id' | 'createdAt'>>;

export type RuleValues = Pick<ProtectionRule, 'pattern' | 'pushLevel' | 'deleteLevel'>;

export class ProtectionRules {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** All rules of a project, oldest first. */
  list(projectId: number): Promise<readonly ProtectionRule[]> {
    return this.#db
      .selectFrom('protectionRules')
      .selectAll()
      .where('projectId', '=', projectId)
      .orderBy('id')
      .execute();
  }

  /** @throws MissingOwner */
  create(rule: NewRule): Promise<ProtectionRule> {
    return this.#db
      .insertInto('protectionRules')
      .values({ ...rule, createdAt: this.#now() })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  async update(id: number, { pattern, pushLevel, deleteLevel }: RuleValues): Promise<void> {
    await this.#db
      .updateTable('protectionRules')
      .set({ pattern, pushLevel, deleteLevel })
      .where('id', '=', id)
      .execute();
  }

  async remove(id: number): Promise<void> {
    await this.#db.deleteFrom('protectionRules').where('id', '=', id).execute();
  }
}
