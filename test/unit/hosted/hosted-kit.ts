/** Hosted repositories on a real database and a real directory, as one process or several have them. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { HotContent } from '../../../src/cache/hot-content.ts';
import type { HostedLimits } from '../../../src/hosted/hosted-options.ts';
import { HostedRepositories } from '../../../src/hosted/hosted-repositories.ts';
import { PullCounter } from '../../../src/hosted/pull-counter.ts';
import type { Database } from '../../../src/metadata/db/database.ts';
import type { Log } from '../../../src/observe/log.ts';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import {
  parseReference,
  parseRepositoryName,
  parseTag,
  type RepositoryName,
} from '../../../src/oci/reference.ts';
import type { BlobAnswer, WritableRepository, Writer } from '../../../src/oci/repository.ts';
import type { UploadPart } from '../../../src/oci/uploads.ts';
import { TagPatterns } from '../../../src/rules/tag-protection.ts';
import type { BlobStore } from '../../../src/storage/blob-store.ts';
import { BufferBudget } from '../../../src/storage/chunk-reader.ts';
import { FilesystemBlobStore } from '../../../src/storage/filesystem-blob-store.ts';
import { FilesystemUploadStore } from '../../../src/storage/filesystem-upload-store.ts';
import type { UploadStore } from '../../../src/storage/upload-store.ts';
import { admissionOf } from '../../support/admission.ts';
import type { DatabasePlace, EachDatabase } from '../../support/databases.ts';
import { bytesBlob, type Descriptor, type FakeManifest } from '../../support/fake-content.ts';
import { createProject } from '../../support/hosted-records.ts';
import { silentLog } from '../../support/silent-log.ts';
import { findEmpty } from '../../support/templates.ts';

export const dayMs = 24 * 60 * 60 * 1000;

const limits: HostedLimits = {
  maxUploadBytes: 64 * 1024 * 1024,
  maxManifestBytes: 4 * 1024 * 1024,
  maxManifestReferences: 100,
  maxTags: 100,
  maxUploads: 100,
  uploadExpiryMs: 7 * dayMs,
  sparseManifests: 'none',
  deleteEnabled: true,
  protectReferencedManifests: false,
};

const developer = 30;
export const alice: Writer = {
  key: 'user:1',
  userId: 1,
  name: 'alice',
  address: '192.0.2.1',
  protectionLevel: developer,
};
export const bob: Writer = { ...alice, key: 'user:2', userId: 2, name: 'bob', address: '192.0.2.2' };

export interface HostedKit {
  /** acme/shop */
  readonly name: RepositoryName;
  readonly place: DatabasePlace;
  readonly database: Database;
  readonly store: BlobStore;
  readonly uploads: UploadStore;
  readonly pulls: PullCounter;
  readonly repositories: HostedRepositories;
  readonly clock: { now: number };
  /** What was logged as an error. */
  readonly errors: string[];
  /** Its project must exist: acme/shop does. */
  repository(name?: string, writer?: Writer): Promise<WritableRepository>;
  /** Another process on the same database and directory. */
  another(changed?: Partial<HostedLimits>): HostedKit;
  /** Of the store, of this kind. */
  files(kind: 'blobs' | 'uploads' | 'spool'): Promise<string[]>;
}

export interface KitOptions extends Partial<HostedLimits> {
  /** Where a test looks at, or into, what happens to the bytes of uploads. */
  readonly spools?: SpoolWatch;
  /** Where a test is between the repositories and the database. */
  readonly between?: (database: Database) => Database;
  readonly tellsReferences?: boolean;
}

/** With a project acme/shop. */
export async function startHosted(
  { open, clock, createPlace, serverUrl }: EachDatabase,
  options: KitOptions = {},
): Promise<HostedKit> {
  const { spools, between = (database) => database, tellsReferences, ...changed } = options;
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-hosted-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const place = await createPlace(await findEmpty(serverUrl));
  const database = await open(place);
  await createProject(database, 'acme/shop');
  const start = (changes: Partial<HostedLimits>): HostedKit => {
    const store = new FilesystemBlobStore(directory);
    onTestFinished(() => store.close());
    const uploads = watched(new FilesystemUploadStore(directory), spools);
    const errors: string[] = [];
    const log: Log = { ...silentLog, error: (_, message) => void errors.push(message) };
    const pulls = new PullCounter({
      records: database.pullCounts,
      flushMs: 60_000,
      now: () => clock.now,
      log,
    });
    onTestFinished(() => pulls.close());
    const repositories = new HostedRepositories({
      database: between(database),
      store,
      reads: store,
      uploads,
      buffers: new BufferBudget(),
      hot: new HotContent(1024 * 1024),
      pulls,
      admission: admissionOf(),
      tagPatterns: new TagPatterns(),
      limits: { ...limits, ...changes },
      ...(tellsReferences !== undefined && { tellsReferences }),
      log,
      now: () => clock.now,
    });
    onTestFinished(() => repositories.close());
    return {
      name: parseRepositoryName('acme/shop'),
      place,
      database,
      store,
      uploads,
      pulls,
      repositories,
      clock,
      errors,
      repository: (name = 'acme/shop', writer = alice) =>
        repositories.getWritable(parseRepositoryName(name), writer),
      another: (more = {}) => start({ ...changes, ...more }),
      files: (kind) => filesBelow(join(directory, 'v1', kind)),
    };
  };
  return start(changed);
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  // The lock says whose spools they are.
  return entries
    .filter((entry) => entry.isFile() && entry.name !== 'lock')
    .map((entry) => join(entry.parentPath, entry.name));
}

/** @param start where the client says that it begins */
export function partOf(bytes: Uint8Array | string, start?: number): UploadPart {
  const all = Buffer.from(bytes);
  return { body: inChunks(all), start, length: undefined };
}

/** In chunks as sockets give them. */
async function* inChunks(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

export const nothing: UploadPart = { body: inChunks(Buffer.alloc(0)), start: undefined, length: undefined };

export async function pushBlob(repository: WritableRepository, bytes: Uint8Array | string): Promise<Digest> {
  const digest = digestOf(Buffer.from(bytes));
  await repository.uploads.commit(await repository.uploads.start(), digest, partOf(bytes));
  return digest;
}

/** With the blobs it refers to. @param reference its digest where undefined */
export async function pushImage(
  repository: WritableRepository,
  image: FakeManifest,
  reference: string = image.digest,
): Promise<Digest> {
  for (const blob of [...(image.config ? [image.config] : []), ...image.layers]) {
    await pushBlob(repository, Buffer.concat([...blob.read(0, blob.size)]));
  }
  return (await putManifest(repository, image, reference)).digest;
}

export function putManifest(
  repository: WritableRepository,
  { payload, mediaType }: Pick<FakeManifest, 'payload'> & { readonly mediaType: string | undefined },
  reference: string,
  tags: readonly string[] = [],
) {
  return repository.putManifest(parseReference(reference), {
    payload,
    contentType: mediaType,
    tags: tags.map(parseTag),
  });
}

/** A manifest of any content. */
export function manifestOf(content: object): { payload: Buffer; mediaType: undefined } {
  return { payload: Buffer.from(JSON.stringify(content)), mediaType: undefined };
}

export const emptyConfig: Descriptor = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: bytesBlob('{}').digest,
  size: 2,
};

export async function bytesOf(blob: BlobAnswer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of blob.read(0, undefined, new AbortController().signal))
    chunks.push(Buffer.from(chunk));
  await blob.close();
  return Buffer.concat(chunks);
}

/** Called before the spool of an upload does what it is asked. */
export interface SpoolWatch {
  append?(): void | Promise<void>;
  readAt?(): void;
  commit?(): void | Promise<void>;
}

function watched(store: UploadStore, watch: SpoolWatch | undefined): UploadStore {
  if (!watch) return store;
  return {
    demandRoom: (bytes) => store.demandRoom(bytes),
    uploadLength: (id) => store.uploadLength(id),
    removeUpload: (id) => store.removeUpload(id),
    listUploads: () => store.listUploads(),
    async openUpload(id) {
      const spool = await store.openUpload(id);
      return {
        get length() {
          return spool.length;
        },
        async append(...chunks) {
          await watch.append?.();
          await spool.append(...chunks);
        },
        readAt(buffer, position) {
          watch.readAt?.();
          return spool.readAt(buffer, position);
        },
        async commit(digest) {
          await watch.commit?.();
          return spool.commit(digest);
        },
        abort: () => spool.abort(),
        close: () => spool.close(),
      };
    },
  };
}
