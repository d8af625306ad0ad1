/** Tags that were removed: each can be restored until its manifest is gone from the repository, with which it goes. */
import type { Kysely, Selectable } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import { containing } from '../db/containing.ts';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/tables.ts';

export interface DeletedTag {
  readonly id: number;
  readonly repositoryId: number;
  readonly name: Tag;
  readonly digest: Digest;
  /** Epoch milliseconds, as all instants here. */
  readonly deletedAt: number;
  /** For people to read. */
  readonly deletedBy: string;
  /** When it had been pushed last. */
  readonly publishedAt: number;
}

export class DeletedTags {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Newest first. @param search part of the name */
  async list(repositoryId: number, search: string | undefined, page: Page): Promise<Paged<DeletedTag>> {
    let matching = this.#db.selectFrom('deletedTags').where('repositoryId', '=', repositoryId);
    if (search) matching = matching.where((eb) => containing(eb.ref('name'), search));
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

  async find(id: number): Promise<DeletedTag | undefined> {
    const row = await this.#db.selectFrom('deletedTags').selectAll().where('id', '=', id).executeTakeFirst();
    return row && fromRow(row);
  }

  /** It was restored. */
  async forget(id: number): Promise<void> {
    await this.#db.deleteFrom('deletedTags').where('id', '=', id).execute();
  }
}

function fromRow(row: Selectable<Tables['deletedTags']>): DeletedTag {
  return {
    id: row.id,
    repositoryId: row.repositoryId,
    // Tags and digests were parsed before they were recorded.
    name: row.name as Tag,
    digest: row.digest as Digest,
    deletedAt: row.deletedAt,
    deletedBy: row.deletedBy,
    publishedAt: row.publishedAt,
  };
}
