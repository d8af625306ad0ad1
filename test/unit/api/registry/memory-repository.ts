/** A repository in memory that is pushed to as the contracts say, for what the wire makes of it. */
import { type Algorithm, algorithmOf, type Digest, digestOf } from '../../../../src/oci/digest.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import { ociManifest, octetStream } from '../../../../src/oci/media-types.ts';
import { isDigestReference, type Reference, type Tag } from '../../../../src/oci/reference.ts';
import type {
  BlobAnswer,
  BlobStat,
  ManifestAnswer,
  ManifestPush,
  PageRequest,
  ReadableRepository,
  ReferrersAnswer,
  StoredManifest,
  TagsAnswer,
  WritableRepository,
} from '../../../../src/oci/repository.ts';
import type { UploadPart, Uploads } from '../../../../src/oci/uploads.ts';

export class MemoryRepository implements WritableRepository {
  readonly blobs = new Map<Digest, Buffer>();
  readonly manifests = new Map<Digest, ManifestPush>();
  readonly tagged = new Map<Tag, Digest>();
  readonly uploads = new MemoryUploads(this.blobs);
  /** What the next manifest says it belongs to. */
  subject: Digest | undefined;

  async manifest(reference: Reference): Promise<ManifestAnswer> {
    const digest = isDigestReference(reference) ? reference : this.tagged.get(reference);
    const found = digest && this.manifests.get(digest);
    if (!digest || !found) throw new OciError('MANIFEST_UNKNOWN');
    const { payload, contentType = ociManifest } = found;
    return { digest, mediaType: contentType, payload, outcome: 'hosted' };
  }

  async statBlob(digest: Digest): Promise<BlobStat> {
    return { digest, size: this.#blob(digest).length, outcome: 'hosted' };
  }

  async blob(digest: Digest): Promise<BlobAnswer> {
    const bytes = this.#blob(digest);
    return {
      ...(await this.statBlob(digest)),
      async *read(start, end) {
        yield bytes.subarray(start, end);
      },
      close: async () => undefined,
    };
  }

  async tags({ after, limit }: PageRequest): Promise<TagsAnswer> {
    const rest = [...this.tagged.keys()].sort().filter((tag) => tag > after);
    return { tags: rest.slice(0, limit), hasMore: rest.length > limit, outcome: 'hosted' };
  }

  async referrers(): Promise<ReferrersAnswer> {
    return { descriptors: [], outcome: 'hosted' };
  }

  async putManifest(reference: Reference, push: ManifestPush): Promise<StoredManifest> {
    const algorithm = isDigestReference(reference) ? algorithmOf(reference) : undefined;
    const digest = digestOf(push.payload, algorithm);
    if (isDigestReference(reference) && digest !== reference) throw new OciError('DIGEST_INVALID');
    this.manifests.set(digest, push);
    for (const tag of isDigestReference(reference) ? push.tags : [reference]) this.tagged.set(tag, digest);
    return { digest, subject: this.subject };
  }

  async deleteManifest(reference: Reference): Promise<void> {
    const isGone = isDigestReference(reference)
      ? this.manifests.delete(reference)
      : this.tagged.delete(reference);
    if (!isGone) throw new OciError('MANIFEST_UNKNOWN');
  }

  async deleteBlob(digest: Digest): Promise<void> {
    this.#blob(digest);
    this.blobs.delete(digest);
  }

  async mount(digest: Digest, source: ReadableRepository): Promise<boolean> {
    if (!(source instanceof MemoryRepository)) return false;
    const bytes = source.blobs.get(digest);
    if (bytes) this.blobs.set(digest, bytes);
    return bytes !== undefined;
  }

  #blob(digest: Digest): Buffer {
    const bytes = this.blobs.get(digest);
    if (!bytes) throw new OciError('BLOB_UNKNOWN', { detail: `no ${octetStream} of this digest` });
    return bytes;
  }
}

export class MemoryUploads implements Uploads {
  /** The bytes of each session that is open. */
  readonly sessions = new Map<string, Buffer>();
  /** What each session was started with. */
  readonly algorithms: (Algorithm | undefined)[] = [];
  readonly #blobs: Map<Digest, Buffer>;

  constructor(blobs: Map<Digest, Buffer>) {
    this.#blobs = blobs;
  }

  async start(algorithm?: Algorithm): Promise<string> {
    this.algorithms.push(algorithm);
    const id = `session-${this.algorithms.length}`;
    this.sessions.set(id, Buffer.alloc(0));
    return id;
  }

  async status(id: string): Promise<number> {
    return this.#bytes(id).length;
  }

  async append(id: string, { body, start, length }: UploadPart): Promise<number> {
    const before = this.#bytes(id).length;
    if (start !== undefined && start !== before) {
      const detail = `the session has ${before} bytes, the part begins at ${start}`;
      throw new OciError('BLOB_UPLOAD_INVALID', { status: 416, detail });
    }
    for await (const chunk of body) this.sessions.set(id, Buffer.concat([this.#bytes(id), chunk]));
    const after = this.#bytes(id).length;
    if (length !== undefined && after - before !== length) throw new OciError('SIZE_INVALID');
    return after;
  }

  async commit(id: string, digest: Digest, last: UploadPart): Promise<void> {
    await this.append(id, last);
    const bytes = this.#bytes(id);
    this.sessions.delete(id);
    if (digestOf(bytes, algorithmOf(digest)) !== digest) {
      throw new OciError('DIGEST_INVALID', { detail: `the bytes are not those of ${digest}` });
    }
    this.#blobs.set(digest, bytes);
  }

  async cancel(id: string): Promise<void> {
    this.#bytes(id);
    this.sessions.delete(id);
  }

  #bytes(id: string): Buffer {
    const bytes = this.sessions.get(id);
    if (!bytes) throw new OciError('BLOB_UPLOAD_UNKNOWN');
    return bytes;
  }
}
