/** What keeps content from being collected. Each question is answered from an index, and the first few answers are enough. */
import type { Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Tables } from '../db/tables.ts';

/** Something that keeps content: a repository that has it, an entry of a virtual registry, a tag, or a manifest. */
export type Holder =
  | { readonly by: 'repository'; readonly repositoryId: number; readonly repository: string }
  | {
      readonly by: 'cache entry';
      readonly entryId: number;
      readonly upstreamId: number;
      /** The name at the upstream. */
      readonly repository: string;
      readonly reference: string;
    }
  | { readonly by: 'tag'; readonly tag: string }
  /** A manifest that refers to the blob, an index that lists the manifest, or what a referrer says it belongs to. */
  | { readonly by: 'manifest' | 'index' | 'subject'; readonly digest: Digest };

/** What is to be taken for gone already. */
export interface Without {
  /** By repository. */
  readonly manifests: ReadonlyMap<number, ReadonlySet<Digest>>;
  readonly links: ReadonlyMap<number, ReadonlySet<Digest>>;
}

export class Holders {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** What keeps the bytes of a blob. @param limit how many of each kind */
  async listOfBlob(digest: Digest, limit: number, without?: Without): Promise<readonly Holder[]> {
    const ignored = repositoriesWithout(without?.links, digest);
    return [
      ...(await this.#listRepositories('repositoryBlobs', digest, limit, ignored)),
      ...(await this.#listEntries(digest, ['blob'], limit)),
    ];
  }

  /** What keeps the payload of a manifest. */
  async listOfPayload(digest: Digest, limit: number, without?: Without): Promise<readonly Holder[]> {
    const ignored = repositoriesWithout(without?.manifests, digest);
    return [
      ...(await this.#listRepositories('repositoryManifests', digest, limit, ignored)),
      ...(await this.#listEntries(digest, ['manifest', 'referrers'], limit)),
    ];
  }

  /** Which manifests of the repository keep the link of a blob. What an index lists may be blobs. */
  async listOfLink(
    repositoryId: number,
    digest: Digest,
    limit: number,
    without?: Without,
  ): Promise<readonly Holder[]> {
    const kinds = ['config', 'layer', 'manifest'] as const;
    const owners = await this.#listOwners(repositoryId, digest, kinds, limit, without);
    return owners.map((owner) => ({ by: 'manifest', digest: owner }));
  }

  /** What keeps a manifest in its repository; empty: it is untagged. */
  async listOfManifest(
    repositoryId: number,
    digest: Digest,
    subject: Digest | undefined,
    limit: number,
    without?: Without,
  ): Promise<readonly Holder[]> {
    const tags = await this.#db
      .selectFrom('tags')
      .select('name')
      .where('repositoryId', '=', repositoryId)
      .where('digest', '=', digest)
      .orderBy('name')
      .limit(limit)
      .execute();
    const indexes = await this.#listOwners(repositoryId, digest, ['manifest'], limit, without);
    return [
      ...tags.map(({ name }) => ({ by: 'tag' as const, tag: name })),
      ...indexes.map((index) => ({ by: 'index' as const, digest: index })),
      ...(subject !== undefined && (await this.#hasManifest(repositoryId, subject, without))
        ? [{ by: 'subject' as const, digest: subject }]
        : []),
    ];
  }

  async #hasManifest(repositoryId: number, digest: Digest, without: Without | undefined): Promise<boolean> {
    if (without?.manifests.get(repositoryId)?.has(digest)) return false;
    const row = await this.#db
      .selectFrom('repositoryManifests')
      .select('digest')
      .where('repositoryId', '=', repositoryId)
      .where('digest', '=', digest)
      .executeTakeFirst();
    return row !== undefined;
  }

  async #listOwners(
    repositoryId: number,
    digest: Digest,
    kinds: readonly Tables['manifestReferences']['kind'][],
    limit: number,
    without: Without | undefined,
  ): Promise<readonly Digest[]> {
    const gone = without?.manifests.get(repositoryId) ?? new Set<Digest>();
    const rows = await this.#db
      .selectFrom('manifestReferences as used')
      .innerJoin('repositoryManifests as owner', 'owner.digest', 'used.manifestDigest')
      .select('owner.digest')
      .distinct()
      .where('used.digest', '=', digest)
      .where('used.kind', 'in', kinds)
      .where('owner.repositoryId', '=', repositoryId)
      // These are enough to find one that is not gone, where there is one.
      .limit(limit + gone.size)
      .execute();
    const digests = rows.map((row) => row.digest);
    return digests.filter((owner) => !gone.has(owner)).slice(0, limit);
  }

  async #listRepositories(
    table: 'repositoryBlobs' | 'repositoryManifests',
    digest: Digest,
    limit: number,
    ignored: readonly number[],
  ): Promise<readonly Holder[]> {
    const rows = await this.#db
      .selectFrom('repositories')
      .select(['id', 'name'])
      .where('id', 'in', (eb) =>
        eb
          .selectFrom(table)
          .select('repositoryId')
          .where('digest', '=', digest)
          .limit(limit + ignored.length),
      )
      .execute();
    return rows
      .filter(({ id }) => !ignored.includes(id))
      .slice(0, limit)
      .map(({ id, name }) => ({ by: 'repository', repositoryId: id, repository: name }));
  }

  async #listEntries(
    digest: Digest,
    kinds: readonly Tables['cacheEntries']['kind'][],
    limit: number,
  ): Promise<readonly Holder[]> {
    const rows = await this.#db
      .selectFrom('cacheEntries')
      .select(['id', 'upstreamId', 'repository', 'reference'])
      .where('digest', '=', digest)
      .where('kind', 'in', kinds)
      .limit(limit)
      .execute();
    return rows.map((row) => ({
      by: 'cache entry',
      entryId: row.id,
      upstreamId: row.upstreamId,
      repository: row.repository,
      reference: row.reference,
    }));
  }
}

function repositoriesWithout(
  gone: ReadonlyMap<number, ReadonlySet<Digest>> | undefined,
  digest: Digest,
): readonly number[] {
  return [...(gone ?? [])].filter(([, digests]) => digests.has(digest)).map(([id]) => id);
}
