/** A repository in memory that is pushed to as the contracts say, for what the wire makes of it. */
import { type Algorithm, algorithmOf, type Digest, digestOf } from '../../src/oci/digest.ts';
import { OciError } from '../../src/oci/errors.ts';
import { ociManifest } from '../../src/oci/media-types.ts';
import { isDigestReference, type Reference } from '../../src/oci/reference.ts';
import type {
  ManifestPush,
  ReadableRepository,
  StoredManifest,
  WritableRepository,
} from '../../src/oci/repository.ts';
import type { UploadPart, Uploads } from '../../src/oci/uploads.ts';
import { MemoryRepository } from './memory-repository.ts';

export class WritableMemoryRepository extends MemoryRepository implements WritableRepository {
  readonly uploads = new MemoryUploads(this.blobs);

  constructor() {
    super('hosted');
  }

  async putManifest(reference: Reference, push: ManifestPush): Promise<StoredManifest> {
    const algorithm = isDigestReference(reference) ? algorithmOf(reference) : undefined;
    const digest = digestOf(push.payload, algorithm);
    if (isDigestReference(reference) && digest !== reference) throw new OciError('DIGEST_INVALID');
    this.manifests.set(digest, push);
    for (const tag of isDigestReference(reference) ? push.tags : [reference]) this.tagged.set(tag, digest);
    const { subject, ...said } = fieldsOf(push);
    if (subject !== undefined) this.refer(subject, { digest, size: push.payload.length, ...said });
    return { digest, subject };
  }

  async deleteManifest(reference: Reference): Promise<void> {
    const isGone = isDigestReference(reference)
      ? this.manifests.delete(reference)
      : this.tagged.delete(reference);
    if (!isGone) throw new OciError('MANIFEST_UNKNOWN');
    for (const [tag, digest] of this.tagged) if (digest === reference) this.tagged.delete(tag);
  }

  async deleteBlob(digest: Digest): Promise<void> {
    if (!this.blobs.delete(digest)) throw new OciError('BLOB_UNKNOWN');
  }

  async mount(digest: Digest, source: ReadableRepository): Promise<boolean> {
    if (!(source instanceof MemoryRepository)) return false;
    const bytes = source.blobs.get(digest);
    if (bytes) this.blobs.set(digest, bytes);
    return bytes !== undefined;
  }
}

/** What a manifest says of itself; nothing where it is none, since bytes of any kind are kept here. */
function fieldsOf({ payload, contentType = ociManifest }: ManifestPush) {
  try {
    const { subject, artifactType, annotations } = JSON.parse(payload.toString());
    return {
      mediaType: contentType,
      subject: subject?.digest as Digest | undefined,
      artifactType,
      annotations,
    };
  } catch {
    return { mediaType: contentType, subject: undefined };
  }
}

export class MemoryUploads implements Uploads {
  /** The bytes of each session that is open. */
  readonly sessions = new Map<string, Buffer>();
  /** What each session was started with. */
  readonly algorithms: (Algorithm | undefined)[] = [];
  readonly #committed = new Map<string, Digest>();
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

  async push(digest: Digest, whole: UploadPart): Promise<void> {
    const id = await this.start(algorithmOf(digest));
    await this.commit(id, digest, whole).finally(() => this.sessions.delete(id));
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
    if (this.#committed.get(id) === digest) return;
    await this.append(id, last);
    const bytes = this.#bytes(id);
    this.sessions.delete(id);
    if (digestOf(bytes, algorithmOf(digest)) !== digest) {
      throw new OciError('DIGEST_INVALID', { detail: `the bytes are not those of ${digest}` });
    }
    this.#blobs.set(digest, bytes);
    this.#committed.set(id, digest);
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
