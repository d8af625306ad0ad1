/** All that is known of one image: what it says itself, the images that it lists, and what is attached to it. */
import type { ImageSummary } from '../../metadata/content/image-facts.ts';
import type { Digest } from '../../oci/digest.ts';
import { attestedBy, type ImageFacts, parseImageFacts } from '../../oci/image-facts.ts';
import type { Tag } from '../../oci/reference.ts';
import { cosignTags, type ReferrerKind, referrerKindOf } from '../../oci/referrer-kind.ts';
import type { ReferrerDescriptor } from '../../oci/repository.ts';
import { parseJsonRecord } from '../../oci/untrusted-json.ts';
import { type ImageFactsOptions, type ImageFactsReader, readConfigBytes } from './image-facts.ts';
import { listReferrers } from './referrers.ts';

export interface AttachedArtifact extends ReferrerDescriptor {
  /** Undefined where its type says neither. */
  readonly kind: ReferrerKind | undefined;
  /** subject: it says so itself, or the list of its subject does; tag: by cosign's tag; index: listed beside the image. */
  readonly foundBy: 'subject' | 'tag' | 'index';
  readonly tag?: Tag | undefined;
}

export interface ImageDetails {
  readonly facts: ImageFacts;
  readonly summary: ImageSummary;
  /** Size of the manifest itself. */
  readonly manifestBytes: number;
  /** The images that an index lists, as far as the repository has them. */
  readonly children: ReadonlyMap<Digest, ImageSummary>;
  readonly attached: readonly AttachedArtifact[];
}

/** There may be any number of artifacts: only the first are told. */
const maxAttached = 200;

export class ImageDetailsReader {
  readonly #options: ImageFactsOptions;
  readonly #facts: ImageFactsReader;

  constructor(options: ImageFactsOptions, facts: ImageFactsReader) {
    this.#options = options;
    this.#facts = facts;
  }

  /** Undefined where the repository has no such manifest. */
  async describe(repositoryId: number, digest: Digest): Promise<ImageDetails | undefined> {
    const manifest = await this.#options.database.repositoryManifests.find(repositoryId, digest);
    const facts = await this.#facts.find(repositoryId, digest);
    const summary = (await this.#facts.summarize(repositoryId, [digest])).get(digest);
    if (!manifest || !facts || !summary) return undefined;
    const listed = facts.children.map((child) => child.digest);
    return {
      facts,
      summary,
      manifestBytes: manifest.payload.length,
      children: await this.#facts.summarize(repositoryId, listed),
      attached: await this.#listAttached(repositoryId, digest, facts),
    };
  }

  /** The config of a manifest, byte for byte; undefined where there is none here, or a larger one than configs are. */
  async readConfig(repositoryId: number, digest: Digest): Promise<Uint8Array | undefined> {
    const config = (await this.#facts.find(repositoryId, digest))?.config;
    const bytes = config && (await readConfigBytes(this.#options, repositoryId, config.digest));
    return typeof bytes === 'string' ? undefined : bytes;
  }

  /** See ImageFactsReader.find. */
  findFacts(repositoryId: number, digest: Digest): Promise<ImageFacts | undefined> {
    return this.#facts.find(repositoryId, digest);
  }

  /** Each artifact once, however often it is found. */
  async #listAttached(
    repositoryId: number,
    digest: Digest,
    { children }: ImageFacts,
  ): Promise<readonly AttachedArtifact[]> {
    const referrers = await listReferrers(this.#options.database, repositoryId, digest);
    const found: AttachedArtifact[] = referrers.map((referrer) => ({
      ...referrer,
      kind: referrerKindOf(referrer.artifactType, referrer.annotations),
      foundBy: 'subject',
    }));
    for (const { tag, kind } of cosignTags(digest)) {
      const artifact = await this.#findTagged(repositoryId, tag, kind);
      if (artifact) found.push(artifact);
    }
    for (const child of children.filter((each) => attestedBy(each) !== undefined)) {
      const { digest, mediaType, size, annotations, artifactType } = child;
      found.push({
        digest,
        mediaType,
        size,
        annotations,
        artifactType,
        kind: 'attestation',
        foundBy: 'index',
      });
    }
    const known = new Set<Digest>();
    const first = found.filter((each) => !known.has(each.digest) && known.add(each.digest));
    return first.slice(0, maxAttached);
  }

  /** Cosign's manifests say that they are images, so the artifact's type is that of its first layer. */
  async #findTagged(
    repositoryId: number,
    tag: Tag,
    kind: ReferrerKind,
  ): Promise<AttachedArtifact | undefined> {
    const { repositoryManifests } = this.#options.database;
    const manifest = await repositoryManifests.findByTag(repositoryId, tag);
    if (!manifest) return undefined;
    const { layers, annotations, artifactType } = parseImageFacts(
      parseJsonRecord(manifest.payload) ?? {},
      undefined,
    );
    return {
      digest: manifest.digest,
      mediaType: manifest.mediaType,
      size: manifest.payload.length,
      artifactType: layers[0]?.mediaType ?? artifactType,
      annotations,
      kind,
      foundBy: 'tag',
      tag,
    };
  }
}
