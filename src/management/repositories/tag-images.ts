/** What the image of a tag is: its platforms, labels, layers and history, and what is attached to it. */

import type { ImageSummary } from '../../metadata/content/image-facts.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { ListedRepository } from '../../metadata/hosted/repository-lists.ts';
import type { ListedTag } from '../../metadata/hosted/tag-lists.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { attestedBy, type ChildFacts, formatPlatform, type ImageFacts } from '../../oci/image-facts.ts';
import type { Tag } from '../../oci/reference.ts';
import type { ReferrerKind } from '../../oci/referrer-kind.ts';
import type { ReferrerDescriptor } from '../../oci/repository.ts';
import type { Actor } from '../acting/actor.ts';
import { getRepository, type RepositoryReference } from '../acting/find-repository.ts';
import { RefusedError } from '../acting/refused-error.ts';

export interface AttachedArtifact extends ReferrerDescriptor {
  readonly kind: ReferrerKind | undefined;
  readonly foundBy: 'subject' | 'tag' | 'index';
  readonly tag?: Tag | undefined;
}

export interface ImageDetails {
  readonly facts: ImageFacts;
  readonly summary: ImageSummary;
  /** The size of the manifest itself. */
  readonly manifestBytes: number;
  readonly children: ReadonlyMap<Digest, ImageSummary>;
  readonly attached: readonly AttachedArtifact[];
}

/** Who knows what images are. */
export interface DescribeImages {
  /** Undefined where the repository has no such manifest. */
  describe(repositoryId: number, digest: Digest): Promise<ImageDetails | undefined>;
  findFacts(repositoryId: number, digest: Digest): Promise<ImageFacts | undefined>;
  /** The config of a manifest, byte for byte; undefined where there is none here, or none that is read. */
  readConfig(repositoryId: number, digest: Digest): Promise<Uint8Array | undefined>;
}

export interface TagImage extends ImageDetails {
  readonly repository: ListedRepository;
  readonly tag: ListedTag;
  /** The platforms of an index, in its order: manifests that run somewhere. */
  readonly platforms: readonly ChildFacts[];
  /** The image itself, or the one of an index that was asked for; undefined where there is none here. */
  readonly shown: { readonly digest: Digest; readonly facts: ImageFacts } | undefined;
}

/** The platform of an index that is shown where nothing is asked for. */
const usualPlatform = 'linux/amd64';

export class TagImageService {
  readonly #database: Database;
  readonly #images: DescribeImages;

  constructor({ database, images }: { readonly database: Database; readonly images: DescribeImages }) {
    this.#database = database;
    this.#images = images;
  }

  /**
   * Whoever may pull sees it.
   * @param platform which of an index is shown in detail: `linux/arm64`, or `linux/arm64/v8`
   * @throws RefusedError not-found, also for a platform that the tag does not have; forbidden
   */
  async get(
    actor: Actor,
    reference: RepositoryReference,
    name: string,
    platform: string | undefined,
  ): Promise<TagImage> {
    const { repository } = await getRepository(this.#database, actor, reference, 'pull');
    const tag = await this.#database.tagLists.find(repository.id, name);
    const details = tag && (await this.#images.describe(repository.id, tag.digest));
    if (!details) throw new RefusedError('not-found', 'Tag');
    const platforms = details.facts.children
      .filter((child) => attestedBy(child) === undefined)
      .map((child) => withPlatform(child, details.children.get(child.digest)));
    const found = { ...details, repository, tag, platforms };
    if (details.facts.kind === 'image') {
      const own = formatPlatform(details.facts.image?.platform ?? {});
      if (platform !== undefined && !isOf(own, platform)) throw new RefusedError('not-found', 'Platform');
      return { ...found, shown: { digest: tag.digest, facts: details.facts } };
    }
    const child = choose(platforms, platform);
    if (!child && platform !== undefined) throw new RefusedError('not-found', 'Platform');
    const facts = child && (await this.#images.findFacts(repository.id, child.digest));
    return { ...found, shown: facts && { digest: child.digest, facts } };
  }

  /**
   * A manifest, or its config, as it was pushed. Whoever may pull sees it.
   * @throws RefusedError not-found, forbidden
   */
  async getText(
    actor: Actor,
    reference: RepositoryReference,
    digest: string,
    part: 'manifest' | 'config',
  ): Promise<string> {
    const { repository } = await getRepository(this.#database, actor, reference, 'pull');
    if (!isDigest(digest)) throw new RefusedError('not-found', 'Manifest');
    const manifest = await this.#database.repositoryManifests.find(repository.id, digest);
    if (!manifest) throw new RefusedError('not-found', 'Manifest');
    if (part === 'manifest') return manifest.payload.toString();
    const config = await this.#images.readConfig(repository.id, digest);
    if (!config) throw new RefusedError('not-found', 'Config');
    return new TextDecoder().decode(config);
  }
}

/** Where the index does not say what it runs on, its config may. */
function withPlatform(child: ChildFacts, known: ImageSummary | undefined): ChildFacts {
  return known && formatPlatform(child.platform) === '' ? { ...child, platform: known.platform } : child;
}

function choose(platforms: readonly ChildFacts[], platform: string | undefined): ChildFacts | undefined {
  const find = (wanted: string) => platforms.find((child) => isOf(formatPlatform(child.platform), wanted));
  return platform === undefined ? (find(usualPlatform) ?? platforms[0]) : find(platform);
}

/** Whoever asks for no variant takes any. */
function isOf(platform: string, wanted: string): boolean {
  return `${platform}/`.startsWith(`${wanted}/`);
}
