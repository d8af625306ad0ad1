/** Tags as lists show them, with what is recorded of the manifests that they name. */
import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
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
  /** Who pushed it last, for people to read; undefined where that was not recorded. */
  readonly publishedBy: string | undefined;
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
  size: [sql.ref('tags.sizeBytes'), sql.ref('tags.name')],
  published: [sql.ref('tags.updatedAt'), sql.ref('tags.name')],
  pulled: [sql.ref('tags.pulledAtOrZero'), sql.ref('tags.name')],
} as const satisfies Record<TagOrder, Order['keys']>;

type Source = RawBuilder<Selectable<Tables['tags']>>;

/** Asked for each tag that is shown: joined, each that is counted or passed over would cost as much. */
export const mediaTypeOfTag = sql<string>`(
  select named.media_type from repository_manifests as named
  where named.repository_id = tags.repository_id and named.digest = tags.digest
)`.as('mediaType');

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
    const order = { keys: orders[by], direction };
    if (!search) return this.#pages.list(this.#withManifests(repositoryId), order, page);
    return this.#pages.list(await this.#searched(repositoryId, search), order, page);
  }

  /** By name; as quick at the end as at the beginning. */
  async listAfter(
    repositoryId: number,
    search: string | undefined,
    { after, direction, limit }: TagPageRequest,
  ): Promise<{ readonly tags: readonly ListedTag[]; readonly hasMore: boolean }> {
    const order = { keys: orders.name, direction };
    const position = after === undefined ? undefined : [after];
    const listed = search ? await this.#searched(repositoryId, search) : this.#withManifests(repositoryId);
    const { records: tags, hasMore } = await this.#pages.listAfter(listed, order, position, limit);
    return { tags, hasMore };
  }

  find(repositoryId: number, name: string): Promise<ListedTag | undefined> {
    const query = this.#withManifests(repositoryId).where(sql.ref<string>('tags.name'), '=', name);
    return query.executeTakeFirst();
  }

  async #searched(repositoryId: number, search: string) {
    const found = await this.#pages.texts.from('tags', search, repositoryId);
    const matching = (tags: Source) =>
      this.#withManifests(repositoryId, tags).where((eb) => containing(eb.ref('tags.name'), search));
    return { few: matching(found), many: matching(sql.table('tags')) };
  }

  #withManifests(repositoryId: number, tags: Source = sql.table('tags')) {
    return this.#db
      .selectFrom(tags.as('tags'))
      .select([
        'tags.name',
        'tags.digest',
        'tags.createdAt',
        'tags.updatedAt',
        'tags.pulledAt',
        'tags.pullsCount',
        'tags.sizeBytes',
        'tags.publishedBy',
        mediaTypeOfTag,
      ])
      .where('tags.repositoryId', '=', repositoryId);
  }
}
