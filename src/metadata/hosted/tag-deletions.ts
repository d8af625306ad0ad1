/** Requests to delete many tags of a repository, which go on in the background and outlive the process. */
import type { Generated, Insertable, Kysely } from 'kysely';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** What was asked for; the expressions are texts that were parsed before. */
export interface TagDeletionCriteria {
  readonly nameRegexDelete: string;
  readonly nameRegexKeep?: string | undefined;
  readonly keepN?: number | undefined;
  readonly olderThanMs?: number | undefined;
}

/** The newest tag that goes: none that comes before it in "newest first, then by name" does. */
export interface TagCut {
  /** When it was pushed; epoch milliseconds. */
  readonly updatedAt: number;
  readonly name: string;
}

/** index (repositoryId, requestedAt) */
export interface TagDeletionTable {
  id: Generated<number>;
  repositoryId: number;
  criteria: TagDeletionCriteria;
  actor: {
    readonly id: number | undefined;
    readonly name: string;
    readonly address: string | undefined;
    /** Their {@link Member.accessLevel} in the project, 60 for administrators. */
    readonly level: number;
  };
  requestedAt: number;
  /** Undefined: it is not decided yet. */
  cut: Optional<TagCut>;
  deletedCount: Generated<number>;
  finishedAt: Optional<number>;
}

export type TagDeletion = RecordOf<TagDeletionTable>;

export type NewTagDeletion = Readonly<
  Pick<Insertable<TagDeletionTable>, 'repositoryId' | 'criteria' | 'actor'>
>;

export class TagDeletions {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Deletions of the repository that are finished are forgotten. @throws MissingOwner when the repository is gone */
  async create(deletion: NewTagDeletion): Promise<void> {
    await this.#db
      .deleteFrom('tagDeletions')
      .where('repositoryId', '=', deletion.repositoryId)
      .where('finishedAt', 'is not', null)
      .execute();
    await this.#db
      .insertInto('tagDeletions')
      .values({ ...deletion, requestedAt: this.#now() })
      .execute();
  }

  /** When the last one of the repository was asked for; epoch milliseconds. */
  async findLastRequest(repositoryId: number): Promise<number | undefined> {
    const row = await this.#db
      .selectFrom('tagDeletions')
      .select('requestedAt')
      .where('repositoryId', '=', repositoryId)
      .orderBy('requestedAt', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.requestedAt;
  }

  /** The oldest deletion that is not finished. */
  findNext(): Promise<TagDeletion | undefined> {
    return this.#db
      .selectFrom('tagDeletions')
      .selectAll()
      .where('finishedAt', 'is', null)
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
  }

  async decide(id: number, { updatedAt, name }: TagCut): Promise<void> {
    const query = this.#db.updateTable('tagDeletions').set({ cut: { updatedAt, name } });
    await query.where('id', '=', id).execute();
  }

  async noteDeleted(id: number, count: number): Promise<void> {
    await this.#db
      .updateTable('tagDeletions')
      .set((eb) => ({ deletedCount: eb('deletedCount', '+', count) }))
      .where('id', '=', id)
      .execute();
  }

  async finish(id: number): Promise<void> {
    const query = this.#db.updateTable('tagDeletions').set({ finishedAt: this.#now() });
    await query.where('id', '=', id).execute();
  }
}
