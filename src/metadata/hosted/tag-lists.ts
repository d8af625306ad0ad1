/** Tags as lists show them, with what is recorded of the manifests that they name. */
import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import { containing } from '../db/containing.ts';
import type { Direction, Page, Paged } from '../db/page.ts';
import type { Order, Pages } from '../db/pages.ts';
import type { Tables } from '../db/tables.ts';

export interface ListedTag {
  readonly name: Tag;
  /** The digest of the manifest. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** The size of the blobs that make up the manifest, each counted once. */
  readonly sizeBytes: number;
  readonly createdAt: number;
  /** When it was pushed last. */
  readonly updatedAt: number;
  /** When it was pulled last, by this name. */
  readonly pulledAt: number | undefined;
  readonly pullsCount: number;
}

/** What never happened comes before everything. */
export type TagOrder = 'name' | 'size' | 'published' | 'pulled';

export interface TagPageRequest {
  /** A name, whether or not there is one, after which the list goes on in its direction; undefined: from the beginning. */
  readonly after: string | undefined;
  readonly direction: Direction;
  readonly limit: number;
}

const orders = {
  name: [sql.ref('tags.name')],
  size: [sql.ref('repositoryManifests.sizeBytes'), sql.ref('tags.name')],
  published: [sql.ref('tags.updatedAt'), sql.ref('tags.name')],
  pulled: [sql`coalesce(tags.pulled_at, 0)`, sql.ref('tags.name')],
} as const satisfies Record<TagOrder, Order['keys']>;

export class TagLists {
  readonly #db: Kysely<Tables>;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, pages: Pages) {
    this.#db = db;
    this.#pages = pages;
  }

  /** @param search part of the name */
  async list(
    repositoryId: number,
    search: string | undefined,
    { by, direction }: { readonly by: TagOrder; readonly direction: Direction },
    page: Page,
  ): Promise<Paged<ListedTag>> {
    const all = this.#withManifests(repositoryId);
    const matching = search ? all.where((eb) => containing(eb.ref('tags.name'), search)) : all;
    return this.#pages.list(matching, { keys: orders[by], direction }, page);
  }

  /** By name; as quick at the end as at the beginning. */
  async listAfter(
    repositoryId: number,
    search: string | undefined,
    { after, direction, limit }: TagPageRequest,
  ): Promise<{ readonly tags: readonly ListedTag[]; readonly hasMore: boolean }> {
    let query = this.#withManifests(repositoryId).orderBy('tags.name', direction);
    if (after !== undefined)
      query = query.where(sql.ref<string>('tags.name'), direction === 'asc' ? '>' : '<', after);
    if (search) query = query.where((eb) => containing(eb.ref('tags.name'), search));
    const rows = await query.limit(limit + 1).execute();
    return { tags: rows.slice(0, limit), hasMore: rows.length > limit };
  }

  find(repositoryId: number, name: string): Promise<ListedTag | undefined> {
    const query = this.#withManifests(repositoryId).where(sql.ref<string>('tags.name'), '=', name);
    return query.executeTakeFirst();
  }

  #withManifests(repositoryId: number) {
    return this.#db
      .selectFrom('tags')
      .innerJoin('repositoryManifests', (join) =>
        join
          .onRef('repositoryManifests.repositoryId', '=', 'tags.repositoryId')
          .onRef('repositoryManifests.digest', '=', 'tags.digest'),
      )
      .select([
        'tags.name',
        'tags.digest',
        'tags.createdAt',
        'tags.updatedAt',
        'tags.pulledAt',
        'tags.pullsCount',
        'repositoryManifests.mediaType',
        'repositoryManifests.sizeBytes',
      ])
      .where('tags.repositoryId', '=', repositoryId);
  }
}
