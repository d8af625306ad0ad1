/** A repository in memory that can be read and can fail; it counts what it is asked. */
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { OciError, type OciErrorCode } from '../../src/oci/errors.ts';
import { ociManifest } from '../../src/oci/media-types.ts';
import { parseTag, type Reference, type Tag } from '../../src/oci/reference.ts';
import type {
  BlobAnswer,
  BlobStat,
  ManifestAnswer,
  Outcome,
  PageRequest,
  ReadableRepository,
  ReferrerDescriptor,
  ReferrersAnswer,
  TagsAnswer,
} from '../../src/oci/repository.ts';

export class MemoryRepository implements ReadableRepository {
  /** As "manifest v1", "tags", in order. */
  readonly asked: string[] = [];
  /** Thrown instead of any answer. */
  failure: OciError | Error | undefined;
  readonly outcome: Outcome;
  readonly #manifests = new Map<Digest, Buffer>();
  readonly #tags = new Map<Tag, Digest>();
  readonly #blobs = new Map<Digest, Buffer>();
  readonly #referrers = new Map<Digest, ReferrerDescriptor[]>();

  constructor(outcome: Outcome) {
    this.outcome = outcome;
  }

  /** A manifest with this text, under these tags. */
  add(text: string, ...tags: string[]): Digest {
    const payload = Buffer.from(text);
    const digest = digestOf(payload);
    this.#manifests.set(digest, payload);
    for (const tag of tags) this.#tags.set(parseTag(tag), digest);
    return digest;
  }

  addBlob(text: string): Digest {
    const bytes = Buffer.from(text);
    const digest = digestOf(bytes);
    this.#blobs.set(digest, bytes);
    return digest;
  }

  addReferrer(subject: Digest, artifactType: string): void {
    const descriptor = { mediaType: ociManifest, digest: digestOf(Buffer.from(artifactType)), size: 1 };
    this.#referrers.set(subject, [...(this.#referrers.get(subject) ?? []), { ...descriptor, artifactType }]);
  }

  async manifest(reference: Reference, isPull: boolean): Promise<ManifestAnswer> {
    this.#ask(`${isPull ? 'manifest' : 'manifest head'} ${reference}`);
    const digest = [...this.#tags].find(([tag]) => tag === reference)?.[1] ?? reference;
    const payload = [...this.#manifests].find(([known]) => known === digest)?.[1];
    if (!payload) throw unknown('MANIFEST_UNKNOWN', `${reference}`);
    return { digest: digestOf(payload), mediaType: ociManifest, payload, outcome: this.outcome };
  }

  async blob(digest: Digest): Promise<BlobAnswer> {
    this.#ask(`blob ${digest}`);
    const bytes = this.#blobs.get(digest);
    if (!bytes) throw unknown('BLOB_UNKNOWN', digest);
    async function* read(start: number, end: number | undefined) {
      if (bytes) yield bytes.subarray(start, end);
    }
    return { digest, size: bytes.length, outcome: this.outcome, read, close: async () => undefined };
  }

  async statBlob(digest: Digest): Promise<BlobStat> {
    this.#ask(`blob head ${digest}`);
    const bytes = this.#blobs.get(digest);
    if (!bytes) throw unknown('BLOB_UNKNOWN', digest);
    return { digest, size: bytes.length, outcome: this.outcome };
  }

  /** Unknown where it has no tags. */
  async tags({ after, limit }: PageRequest): Promise<TagsAnswer> {
    this.#ask('tags');
    if (this.#tags.size === 0) throw unknown('NAME_UNKNOWN', 'the name');
    const rest = [...this.#tags.keys()].sort().filter((tag) => tag > after);
    return { tags: rest.slice(0, limit), hasMore: rest.length > limit, outcome: this.outcome };
  }

  async referrers(subject: Digest): Promise<ReferrersAnswer> {
    this.#ask(`referrers ${subject}`);
    return { descriptors: this.#referrers.get(subject) ?? [], outcome: this.outcome };
  }

  #ask(what: string): void {
    this.asked.push(what);
    if (this.failure) throw this.failure;
  }
}

function unknown(code: OciErrorCode, what: string): OciError {
  return new OciError(code, { detail: `${what} is not in memory` });
}
