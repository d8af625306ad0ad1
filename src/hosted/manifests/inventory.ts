/** What is in hosted repositories, for whoever manages them: sizes, dates, and what tags name. */
import type { SizeScope } from '../../metadata/cached/content-sizes.ts';
import type { ImageManifest } from '../../metadata/content/image-trees.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { RepositoryRecord } from '../../metadata/hosted/repositories.ts';
import type { TagDetail, TagPageRequest } from '../../metadata/hosted/tag-details.ts';
import type { Digest } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import { manifestKindOf } from '../../oci/media-types.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import type { PageRequest } from '../../oci/repository.ts';
import type { ImageFactsReader } from './image-facts.ts';

export interface InventoryOptions {
  readonly database: InventoryRecords;
  readonly facts: Pick<ImageFactsReader, 'summarize'>;
}

type InventoryRecords = Pick<
  Database,
  'contentSizes' | 'imageTrees' | 'repositories' | 'repositoryDetails' | 'tagDetails'
>;

export class HostedInventory {
  readonly #records: InventoryRecords;
  readonly #facts: InventoryOptions['facts'];

  constructor({ database, facts }: InventoryOptions) {
    this.#records = database;
    this.#facts = facts;
  }

  /**
   * A repository with its size where that is asked for; a path that only has repositories below it has the size of all of them.
   * @throws OciError NAME_UNKNOWN
   */
  async repository(name: RepositoryName, sizeScope: SizeScope | undefined) {
    const { repositories, repositoryDetails, contentSizes } = this.#records;
    const detail = await repositories.findByName(name);
    const isPath = sizeScope === 'self_with_descendants' && (await repositoryDetails.hasBelow(name));
    if (!detail && !isPath) throw unknownName(name);
    return {
      detail,
      lastPublishedAt: detail && (await repositoryDetails.findLastPublished(detail.id)),
      size: sizeScope && (await contentSizes.ofRepositories(name, sizeScope)),
    };
  }

  /** @throws OciError NAME_UNKNOWN, TAG_UNKNOWN */
  async tag(name: RepositoryName, tag: Tag) {
    const { imageTrees, tagDetails } = this.#records;
    const { id } = await this.#get(name);
    const detail = await tagDetails.find(id, tag);
    const manifest = detail && (await imageTrees.find(id, detail.digest));
    if (!manifest) throw new OciError('TAG_UNKNOWN', { detail: `${name} has no tag ${tag}` });
    const isIndex = manifestKindOf(manifest.mediaType) === 'index';
    const children = isIndex ? await imageTrees.listChildren(id, manifest.digest) : [];
    const describe = await this.#measure(id, [manifest, ...children]);
    return {
      name: detail.name,
      createdAt: detail.createdAt,
      publishedAt: detail.publishedAt,
      image: describe(manifest),
      references: isIndex ? children.map(describe) : undefined,
    };
  }

  /** @throws OciError NAME_UNKNOWN */
  async tags(
    name: RepositoryName,
    request: { readonly tags: TagPageRequest | Tag; readonly referrerTypes: readonly string[] | undefined },
  ) {
    const { contentSizes } = this.#records;
    const { id } = await this.#get(name);
    const page = await this.#list(id, request.tags);
    const digests = page.tags.map(({ digest }) => digest);
    const sizes = await contentSizes.ofManifests(id, digests);
    const referrers = request.referrerTypes && (await this.#refer(id, digests, request.referrerTypes));
    const tags = page.tags.map((tag) => ({
      ...tag,
      sizeBytes: sizes.get(tag.digest) ?? 0,
      referrers: referrers && (referrers.get(tag.digest) ?? []),
    }));
    return { ...page, tags };
  }

  repositories(path: RepositoryName, page: PageRequest) {
    return this.#records.repositoryDetails.listTagged(path, page);
  }

  async #list(id: number, tags: TagPageRequest | Tag) {
    const { tagDetails } = this.#records;
    if (typeof tags !== 'string') return tagDetails.list(id, tags);
    const only: TagDetail | undefined = await tagDetails.find(id, tags);
    return { tags: only ? [only] : [], hasPrevious: false, hasNext: false };
  }

  async #refer(id: number, digests: readonly Digest[], types: readonly string[]) {
    const entries = await this.#records.imageTrees.listReferrers(
      id,
      digests,
      types.length > 0 ? types : undefined,
    );
    return Map.groupBy(entries, ({ subject }) => subject);
  }

  /** Returns the function that describes one of these manifests. */
  async #measure(id: number, manifests: readonly ImageManifest[]) {
    const digests = manifests.map(({ digest }) => digest);
    const sizes = await this.#records.contentSizes.ofManifests(id, digests);
    const facts = await this.#facts.summarize(id, digests);
    return (manifest: ImageManifest) => ({
      ...manifest,
      platform: facts.get(manifest.digest)?.platform,
      sizeBytes: sizes.get(manifest.digest) ?? 0,
    });
  }

  async #get(name: RepositoryName): Promise<RepositoryRecord> {
    const record = await this.#records.repositories.findByName(name);
    if (!record) throw unknownName(name);
    return record;
  }
}

function unknownName(name: RepositoryName): OciError {
  return new OciError('NAME_UNKNOWN', { detail: `nothing was pushed to ${name}` });
}
