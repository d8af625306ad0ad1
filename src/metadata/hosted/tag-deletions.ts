/** Requests to delete many tags of a repository, which go on in the background and outlive the process. */
import type { Kysely, Selectable } from 'kysely';
import { z } from 'zod';
import type { Tables } from '../db/tables.ts';

/** As they were asked for; the expressions are texts that were parsed before. */
export interface TagDeletionCriteria {
  readonly nameRegexDelete: string;
  readonly nameRegexKeep?: string | undefined;
  readonly keepN?: number | undefined;
  readonly olderThanMs?: number | undefined;
}

export interface NewTagDeletion {
  readonly repositoryId: number;
  readonly criteria: TagDeletionCriteria;
  readonly actor: {
    readonly id: number | undefined;
    readonly name: string;
    readonly address: string | undefined;
    /** Their role in the project as of {@link Member.accessLevel}, 60 for administrators. */
    readonly level: number;
  };
}

/** The newest tag that goes: none that comes before it in "newest first, then by name" does. */
export interface TagCut {
  /** When it was pushed; epoch milliseconds. */
  readonly updatedAt: number;
  readonly name: string;
}

export interface TagDeletion extends NewTagDeletion {
  readonly id: number;
  readonly requestedAt: number;
  /** Undefined: it is not decided yet. */
  readonly cut: TagCut | undefined;
  readonly deletedCount: number;
}

const criteriaSchema = z.object({
  nameRegexDelete: z.string(),
  nameRegexKeep: z.string().optional(),
  keepN: z.int().optional(),
  olderThanMs: z.number().optional(),
});

export class TagDeletions {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Finished ones of the repository are forgotten. @throws MissingOwner when the repository is gone */
  async create({ repositoryId, criteria, actor }: NewTagDeletion): Promise<void> {
    await this.#db
      .deleteFrom('tagDeletions')
      .where('repositoryId', '=', repositoryId)
      .where('finishedAt', 'is not', null)
      .execute();
    await this.#db
      .insertInto('tagDeletions')
      .values({
        repositoryId,
        criteria: JSON.stringify(criteria),
        requestedAt: this.#now(),
        actorId: actor.id ?? null,
        actorName: actor.name,
        actorAddress: actor.address ?? null,
        actorLevel: actor.level,
      })
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

  /** The oldest that is not finished. */
  async findNext(): Promise<TagDeletion | undefined> {
    const row = await this.#db
      .selectFrom('tagDeletions')
      .selectAll()
      .where('finishedAt', 'is', null)
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  async decide(id: number, cut: TagCut): Promise<void> {
    const query = this.#db.updateTable('tagDeletions').set({ cutAt: cut.updatedAt, cutName: cut.name });
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

function fromRow(row: Selectable<Tables['tagDeletions']>): TagDeletion {
  const { cutAt: updatedAt, cutName: name } = row;
  return {
    id: row.id,
    repositoryId: row.repositoryId,
    criteria: criteriaSchema.parse(JSON.parse(row.criteria)),
    requestedAt: row.requestedAt,
    actor: {
      id: row.actorId ?? undefined,
      name: row.actorName,
      address: row.actorAddress ?? undefined,
      level: row.actorLevel,
    },
    cut: updatedAt === undefined || name === undefined ? undefined : { updatedAt, name },
    deletedCount: row.deletedCount,
  };
}
