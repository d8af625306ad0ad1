/** Tags that were removed: each can be restored until its manifest is gone from the repository, with which it goes. */
import type { Generated, Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import { containing } from '../db/containing.ts';
import type { Page, Paged } from '../db/page.ts';
import { descending, type Pages } from '../db/pages.ts';
import type { RecordOf, Tables } from '../db/tables.ts';

/** index (repositoryId, name, deletedAt) */
export interface DeletedTagTable {
  id: Generated<number>;
  repositoryId: number;
  name: Tag;
  digest: Digest;
  /** Epoch milliseconds, as all instants here. */
  deletedAt: number;
  /** For people to read: a user's name, or 'cleanup policy'. */
  deletedBy: string;
  /** When the tag had been pushed last. */
  publishedAt: number;
}

export type DeletedTag = RecordOf<DeletedTagTable>;

export class DeletedTags {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, pages: Pages, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#pages = pages;
  }

  /** Newest first. @param search part of the name */
  list(repositoryId: number, search: string | undefined, page: Page): Promise<Paged<DeletedTag>> {
    const all = this.#reading.selectFrom('deletedTags').selectAll().where('repositoryId', '=', repositoryId);
    const matching = search ? all.where((eb) => containing(eb.ref('name'), search)) : all;
    return this.#pages.list(matching, descending('id'), page);
  }

  find(id: number): Promise<DeletedTag | undefined> {
    return this.#db.selectFrom('deletedTags').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** Forgets a tag that was restored. */
  async forget(id: number): Promise<void> {
    await this.#db.deleteFrom('deletedTags').where('id', '=', id).execute();
  }
}
