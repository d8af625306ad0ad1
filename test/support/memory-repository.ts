/** A repository in memory that can be read and can fail; it counts what it is asked. */
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { OciError, type OciErrorCode } from '../../src/oci/errors.ts';
import { ociManifest } from '../../src/oci/media-types.ts';
import { isDigestReference, parseTag, type Reference, type Tag } from '../../src/oci/reference.ts';
import type {
  BlobAnswer,
  BlobStat,
  ManifestAnswer,
  Outcome,
  PageRequest,
  ReferrerDescriptor,
  ReferrersAnswer,
  TagsAnswer,
} from '../../src/oci/repository.ts';
import type { KeptBlob, WarmableRepository } from '../../src/proxy/prewarm/warmable-repository.ts';
import type { FakeManifest } from './fake-content.ts';

const chunkBytes = 64 * 1024;

interface KeptManifest {
  readonly payload: Buffer;
  /** As who pushed it said; undefined where they did not. */
  readonly contentType: string | undefined;
}

export class MemoryRepository implements WarmableRepository {
  /** As "manifest v1", "tags", in order. */
  readonly asked: string[] = [];
  /** Thrown instead of any answer. */
  failure: OciError | Error | undefined;
  readonly outcome: Outcome;
  readonly blobs = new Map<Digest, Buffer>();
  readonly manifests = new Map<Digest, KeptManifest>();
  readonly tagged = new Map<Tag, Digest>();
  readonly #referrers = new Map<Digest, ReferrerDescriptor[]>();

  constructor(outcome: Outcome) {
    this.outcome = outcome;
  }

  /** A manifest with this text, under these tags. */
  add(text: string, ...tags: string[]): Digest {
    return this.#keep(Buffer.from(text), ociManifest, tags);
  }

  /** With its blobs, and as a referrer of its subject. */
  addImage(image: FakeManifest, ...tags: string[]): void {
    const { payload, mediaType, digest, subject, artifactType, annotations } = image;
    this.#keep(payload, mediaType, tags);
    for (const blob of [...image.layers, ...(image.config ? [image.config] : [])])
      this.blobs.set(blob.digest, Buffer.concat([...blob.read(0, blob.size)]));
    if (subject === undefined) return;
    this.refer(subject, { mediaType, digest, size: payload.length, artifactType, annotations });
  }

  addBlob(text: string): Digest {
    const bytes = Buffer.from(text);
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return digest;
  }

  addReferrer(subject: Digest, artifactType: string): void {
    const digest = digestOf(Buffer.from(artifactType));
    this.refer(subject, { mediaType: ociManifest, digest, size: 1, artifactType });
  }

  async manifest(reference: Reference, isPull: boolean): Promise<ManifestAnswer> {
    this.#ask(`${isPull ? 'manifest' : 'manifest head'} ${reference}`);
    const digest = isDigestReference(reference) ? reference : this.tagged.get(reference);
    const found = digest && this.manifests.get(digest);
    if (!digest || !found) throw unknown('MANIFEST_UNKNOWN', reference);
    const { payload, contentType = ociManifest } = found;
    return { digest, mediaType: contentType, payload, outcome: this.outcome };
  }

  async blob(digest: Digest): Promise<BlobAnswer> {
    this.#ask(`blob ${digest}`);
    const bytes = this.#bytesOf(digest);
    return {
      ...{ digest, size: bytes.length, outcome: this.outcome },
      async *read(start, end = bytes.length) {
        for (let at = start; at < Math.min(end, bytes.length); at += chunkBytes)
          yield bytes.subarray(at, Math.min(at + chunkBytes, end));
      },
      close: async () => undefined,
    };
  }

  async keepBlob(digest: Digest): Promise<KeptBlob> {
    const blob = await this.blob(digest);
    return { blob, fetchedBytes: this.outcome === 'miss' ? (blob.size ?? 0) : 0 };
  }

  async statBlob(digest: Digest): Promise<BlobStat> {
    this.#ask(`blob head ${digest}`);
    return { digest, size: this.#bytesOf(digest).length, outcome: this.outcome };
  }

  /** Unknown where there is nothing at all. */
  async tags({ after, limit }: PageRequest): Promise<TagsAnswer> {
    this.#ask('tags');
    if (this.manifests.size === 0 && this.blobs.size === 0) throw unknown('NAME_UNKNOWN', 'the name');
    const rest = [...this.tagged.keys()].sort().filter((tag) => tag > after);
    return { tags: rest.slice(0, limit), hasMore: rest.length > limit, outcome: this.outcome };
  }

  async referrers(subject: Digest): Promise<ReferrersAnswer> {
    this.#ask(`referrers ${subject}`);
    return { descriptors: this.#referrers.get(subject) ?? [], outcome: this.outcome };
  }

  #keep(payload: Buffer, contentType: string, tags: readonly string[]): Digest {
    const digest = digestOf(payload);
    this.manifests.set(digest, { payload, contentType });
    for (const tag of tags) this.tagged.set(parseTag(tag), digest);
    return digest;
  }

  /** From now on it is about the subject. */
  refer(subject: Digest, descriptor: ReferrerDescriptor): void {
    this.#referrers.set(subject, [...(this.#referrers.get(subject) ?? []), descriptor]);
  }

  #bytesOf(digest: Digest): Buffer {
    const bytes = this.blobs.get(digest);
    if (!bytes) throw unknown('BLOB_UNKNOWN', digest);
    return bytes;
  }

  #ask(what: string): void {
    this.asked.push(what);
    if (this.failure) throw this.failure;
  }
}

function unknown(code: OciErrorCode, what: string): OciError {
  return new OciError(code, { detail: `${what} is not in memory` });
}
