/** Two repositories and a virtual registry on one store, what a simple model says of them, and steps that change both. */

import { expect } from 'vitest';
import { HotContent } from '../../src/cache/hot-content.ts';
import type { Outcome } from '../../src/gc/collector.ts';
import { dryRun } from '../../src/gc/dry-run.ts';
import { applyUntaggedRule } from '../../src/gc/untagged-rule.ts';
import { HostedRepositories } from '../../src/hosted/hosted-repositories.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { OciError } from '../../src/oci/errors.ts';
import { parseReference, parseRepositoryName, parseTag } from '../../src/oci/reference.ts';
import type { BlobAnswer, WritableRepository } from '../../src/oci/repository.ts';
import { BlobPull } from '../../src/proxy/blob-pull.ts';
import { Fills } from '../../src/proxy/fills.ts';
import { ManifestFetch } from '../../src/proxy/manifest-fetch.ts';
import { createPublishBlob } from '../../src/proxy/publish-blob.ts';
import type { Source } from '../../src/proxy/source.ts';
import { TagPatterns } from '../../src/rules/tag-protection.ts';
import { BufferBudget } from '../../src/storage/chunk-reader.ts';
import { admissionOf } from './admission.ts';
import { collectorOf } from './collecting.ts';
import { bytesBlob, type FakeManifest, fakeArtifact, fakeImage, fakeIndex } from './fake-content.ts';
import { FakeUpstream } from './fake-upstream.ts';
import { createProject } from './hosted-records.ts';
import { MemoryBlobStore } from './memory-blob-store.ts';
import { Died, mortal } from './mortal.ts';
import { silentLog } from './silent-log.ts';

const hourMs = 60 * 60 * 1000;
export const reviewMs = 24 * hourMs;
/** What clients were told is good for so long. */
const leaseMs = hourMs;

const layers = Array.from({ length: 5 }, (_, index) => bytesBlob(`layer ${index}`));
const images = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 4],
].map((used, index) =>
  fakeImage({ layers: used.flatMap((each) => layers[each] ?? []), architecture: `machine ${index}` }),
);
const at = (index: number): FakeManifest => images[index] ?? fakeImage();
const indexes = [fakeIndex({ manifests: [at(0), at(1)] }), fakeIndex({ manifests: [at(2)] })];
const signatures = [fakeArtifact(at(0), 'application/x.signature')];
const contents = [...images, ...indexes, ...signatures];
const children = new Map<Digest, readonly FakeManifest[]>([
  [indexes[0]?.digest ?? at(0).digest, [at(0), at(1)]],
  [indexes[1]?.digest ?? at(0).digest, [at(2)]],
]);
const blobs = new Map(
  contents.flatMap(blobsOf).map((blob) => [blob.digest, Buffer.concat([...blob.read(0, blob.size)])]),
);
const cached = [at(0), at(3)];
const repositories = ['acme/a', 'acme/b'] as const;
const tags = ['t0', 't1', 't2'];
const blobDigests = [...blobs.keys()];

function blobsOf(manifest: FakeManifest) {
  return [...manifest.layers, ...(manifest.config ? [manifest.config] : [])];
}

export type Step =
  | {
      readonly do: 'upload' | 'head' | 'mount' | 'delete blob';
      readonly repository: number;
      readonly blob: number;
    }
  | { readonly do: 'put'; readonly repository: number; readonly manifest: number; readonly tag: number }
  | { readonly do: 'push'; readonly repository: number; readonly manifest: number; readonly tag: number }
  | { readonly do: 'delete tag'; readonly repository: number; readonly tag: number }
  | { readonly do: 'delete manifest'; readonly repository: number; readonly manifest: number }
  | { readonly do: 'pull through' | 'evict'; readonly image: number; readonly part: number }
  | { readonly do: 'expire' }
  | { readonly do: 'wait'; readonly ms: number }
  | {
      readonly do: 'collect' /** So many awaits, or just before it deletes bytes. */;
      readonly diesAfter: number | 'a record' | undefined;
    };

/** How a run collects. */
export interface Collecting {
  readonly isEarly: boolean;
  readonly untaggedMs: number | undefined;
  readonly isOnce: boolean;
  /** Only the first repository. */
  readonly ofOne: boolean;
}

interface ModelRepository {
  /** Tag → digest. */
  readonly tags: Map<string, Digest>;
  readonly manifests: Set<Digest>;
  /** When a client was told last that the blob is here. */
  readonly told: Map<Digest, number>;
}

export class CollectorWorld {
  readonly #database: Database;
  readonly #clock: { now: number };
  readonly #store = new MemoryBlobStore();
  readonly #hosted: HostedRepositories;
  readonly #fetch: ManifestFetch;
  readonly #pull: BlobPull;
  readonly #source: Source;
  readonly #model = new Map<string, ModelRepository>();

  private constructor(database: Database, clock: { now: number }, source: Source) {
    this.#database = database;
    this.#clock = clock;
    this.#source = source;
    const now = () => clock.now;
    const buffers = new BufferBudget();
    const log = silentLog;
    // It forgets by a clock of its own, which this world does not have: nothing is hot.
    const hot = new HotContent(0);
    this.#hosted = new HostedRepositories({
      database,
      store: this.#store,
      reads: this.#store,
      uploads: this.#store,
      buffers,
      hot,
      tagPatterns: new TagPatterns(),
      limits: {
        maxUploadBytes: 1_000_000,
        maxManifestBytes: 1_000_000,
        maxManifestReferences: 100,
        maxTags: 100,
        maxUploads: 1_000_000,
        uploadExpiryMs: reviewMs,
        sparseManifests: 'none',
        deleteEnabled: true,
        protectReferencedManifests: true,
      },
      pulls: { count: () => undefined },
      admission: admissionOf(),
      log,
      now,
    });
    const { cacheEntries: entries, manifests, blobs: records } = database;
    const observer = {
      started: () => undefined,
      followed: () => undefined,
      resumed: () => undefined,
      spooled: () => undefined,
      finished: () => undefined,
    };
    const pause = async () => undefined;
    const room = {
      admit: async () => ({ refused: new Set<number>(), release: async () => undefined }),
      grew: async () => undefined,
    };
    const store = this.#store;
    const publish = createPublishBlob({ store, blobs: records, entries, room, log, now });
    const demandRoom = () => store.demandRoom();
    const fills = new Fills({
      log,
      observer,
      pause,
      buffers,
      publish,
      createSpool: () => store.createSpool(),
      demandRoom,
    });
    this.#fetch = new ManifestFetch({ entries, manifests, demandRoom, log, now });
    const usage = { count: () => undefined } as unknown as ConstructorParameters<typeof BlobPull>[0]['usage'];
    this.#pull = new BlobPull({
      entries,
      blobs: records,
      reads: store,
      hot,
      fills,
      buffers,
      usage,
      observer,
      pause,
      room,
      log,
      now,
    });
    for (const name of repositories)
      this.#model.set(name, { tags: new Map(), manifests: new Set(), told: new Map() });
  }

  static async create(database: Database, clock: { now: number }): Promise<CollectorWorld> {
    for (const name of repositories) await createProject(database, name);
    const group = await database.groups.findByPath('acme');
    const upstream = await database.upstreams.create({
      groupId: group?.id ?? 0,
      url: 'https://upstream.test',
      name: 'upstream',
      description: undefined,
      username: undefined,
      passwordSealed: undefined,
      cacheValidityHours: 24,
      allowPatterns: [],
      denyPatterns: [],
      allowPrivateNetwork: false,
    });
    const remote = new FakeUpstream({ id: upstream.id });
    for (const bytes of blobs.values()) remote.addBlob(bytes);
    for (const [index, manifest] of cached.entries()) remote.add(manifest, `c${index}`);
    const groupId = group?.id ?? 0;
    return new CollectorWorld(database, clock, {
      groupId,
      upstream: remote,
      repository: parseRepositoryName('team/app'),
    });
  }

  /** All at once; none of them touches what another one does, but for what the collector does. */
  async take(steps: readonly Step[]): Promise<void> {
    await Promise.all(steps.map((step) => this.#take(step)));
    // A referrer without its subject may be collected from now on, also when the subject comes back first.
    for (const model of this.#model.values())
      for (const { digest } of signatures)
        if (!this.#reached(model).has(digest)) model.manifests.delete(digest);
    await this.#checkPromises();
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case 'wait':
        this.#clock.now += step.ms;
        return;
      case 'collect':
        return this.#collect(step.diesAfter);
      case 'expire':
        await this.#database.uploads.removeExpired(this.#clock.now);
        return;
      case 'pull through':
        return this.#pullThrough(step.image % cached.length, step.part);
      case 'evict':
        return this.#evict(step.image % cached.length, step.part);
      case 'upload':
        return this.#upload(nameAt(step.repository), blobAt(step.blob));
      case 'head':
        return this.#head(nameAt(step.repository), blobAt(step.blob));
      case 'mount':
        return this.#mount(nameAt(step.repository), nameAt(step.repository + 1), blobAt(step.blob));
      case 'delete blob':
        return this.#deleteBlob(nameAt(step.repository), blobAt(step.blob));
      case 'push':
      case 'put':
        return this.#put(step);
      case 'delete tag':
        return this.#deleteTag(nameAt(step.repository), tagAt(step.tag));
      case 'delete manifest':
        return this.#deleteManifest(nameAt(step.repository), manifestAt(step.manifest));
    }
  }

  async #collect(diesAfter: number | 'a record' | undefined): Promise<void> {
    const life = { left: typeof diesAfter === 'number' ? diesAfter : Number.POSITIVE_INFINITY };
    const deadly = {
      delete: async () => {
        life.left = 0;
        throw new Died('the process died');
      },
    };
    const parts = {
      database: mortal(this.#database, life),
      store: diesAfter === 'a record' ? deadly : mortal(this.#store, life),
      clock: this.#clock,
    };
    await collectorOf(parts, { untaggedMs: 0 })
      .run()
      .catch((error: unknown) => {
        if (!(error instanceof Died)) throw error;
      });
  }

  async #upload(name: string, digest: Digest): Promise<void> {
    const repository = await this.#repository(name);
    const id = await repository.uploads.start();
    const told = this.#clock.now;
    const bytes = blobs.get(digest) ?? Buffer.alloc(0);
    await repository.uploads.commit(id, digest, { body: only(bytes), start: undefined, length: undefined });
    this.#of(name).told.set(digest, told);
  }

  async #head(name: string, digest: Digest): Promise<void> {
    const told = this.#clock.now;
    const isThere = await succeeds((await this.#repository(name)).statBlob(digest), 'BLOB_UNKNOWN');
    if (!isThere) this.#demandMayBeGone(name, [digest]);
    else this.#of(name).told.set(digest, told);
  }

  async #mount(to: string, from: string, digest: Digest): Promise<void> {
    const told = this.#clock.now;
    const target = await this.#repository(to);
    if (await target.mount(digest, await this.#repository(from))) this.#of(to).told.set(digest, told);
  }

  async #deleteBlob(name: string, digest: Digest): Promise<void> {
    const repository = await this.#repository(name);
    if (await succeeds(repository.deleteBlob(digest), 'BLOB_UNKNOWN', 'DENIED'))
      this.#of(name).told.delete(digest);
  }

  /** By tag, or by digest where there is none of that number; with all that it needs where it is pushed. */
  async #put(step: Step & { readonly do: 'put' | 'push' }): Promise<void> {
    const name = nameAt(step.repository);
    const manifest = manifestAt(step.manifest);
    const tag = step.tag < tags.length ? tagAt(step.tag) : undefined;
    if (step.do === 'push') {
      for (const child of children.get(manifest.digest) ?? []) {
        for (const { digest } of blobsOf(child)) await this.#upload(name, digest);
        await this.#putManifest(name, child, undefined);
      }
      for (const { digest } of blobsOf(manifest)) await this.#upload(name, digest);
    }
    await this.#putManifest(name, manifest, tag);
  }

  async #putManifest(name: string, manifest: FakeManifest, tag: string | undefined): Promise<void> {
    const { payload, mediaType: contentType, digest } = manifest;
    const reference = tag === undefined ? digest : parseTag(tag);
    const put = (await this.#repository(name)).putManifest(reference, { payload, contentType, tags: [] });
    const model = this.#of(name);
    if (await succeeds(put, 'MANIFEST_BLOB_UNKNOWN')) {
      model.manifests.add(digest);
      if (tag !== undefined) model.tags.set(tag, digest);
      return;
    }
    // Some of it is not there: nothing that it was told of lately.
    if (!children.has(digest))
      expect(blobsOf(manifest).every((blob) => this.#isTold(name, blob.digest))).toBe(false);
  }

  async #deleteTag(name: string, tag: string): Promise<void> {
    const isThere = await succeeds(
      (await this.#repository(name)).deleteManifest(parseTag(tag)),
      'MANIFEST_UNKNOWN',
    );
    expect(isThere).toBe(this.#of(name).tags.delete(tag));
  }

  async #deleteManifest(name: string, { digest }: FakeManifest): Promise<void> {
    const repository = await this.#repository(name);
    if (!(await succeeds(repository.deleteManifest(digest), 'MANIFEST_UNKNOWN', 'MANIFEST_REFERENCED')))
      return;
    const { tags: names, manifests } = this.#of(name);
    manifests.delete(digest);
    for (const [tag, named] of names) if (named === digest) names.delete(tag);
  }

  async #pullThrough(image: number, part: number): Promise<void> {
    const manifest = cached[image] ?? at(0);
    if (part % 3 === 0) {
      const pulled = await this.#fetch.fetch(this.#source, parseTag(`c${image}`), undefined);
      expect(pulled.payload).toEqual(manifest.payload);
      expect(pulled.entry).toBeDefined();
      return;
    }
    const digest = blobsOf(manifest)[part % blobsOf(manifest).length]?.digest;
    if (digest === undefined) return;
    expect(digestOf(await bytesOf(await this.#pull.blob('', [this.#source], digest)))).toBe(digest);
  }

  async #evict(image: number, part: number): Promise<void> {
    const source = { upstreamId: this.#source.upstream.settings.id, repository: this.#source.repository };
    const { cacheEntries } = this.#database;
    const manifest = cached[image] ?? at(0);
    const blob = blobsOf(manifest)[part % blobsOf(manifest).length]?.digest ?? manifest.digest;
    const found =
      part % 3 === 0
        ? await cacheEntries.listAt([source], 'manifest', `c${image}`)
        : await cacheEntries.listAt([source], 'blob', blob);
    for (const { id } of found)
      await cacheEntries.remove(id, part % 2 === 0 ? 'entry_evict' : 'entry_delete');
  }

  /** What a run would remove by these rules, and what it then removes. */
  async tryOut({
    ofOne,
    ...rules
  }: Collecting): Promise<{ would: readonly string[]; did: readonly string[] }> {
    const record = ofOne ? await this.#database.repositories.findByName(nameAt(0)) : undefined;
    const plan = { ...rules, repositoryId: record?.id };
    const outcomes = { would: [] as string[], did: [] as string[] };
    const into =
      (list: string[]) =>
      ({ review: { kind, repositoryId, digest }, verdict }: Outcome) => {
        if (verdict.is === 'garbage') list.push(`${kind} ${repositoryId} ${digest}`);
      };
    await this.#database.transaction((tx) =>
      dryRun(tx, { ...plan, now: () => this.#clock.now, onOutcome: into(outcomes.would) }),
    );
    await applyUntaggedRule(this.#database, plan);
    const parts = { database: this.#database, store: this.#store, clock: this.#clock };
    await collectorOf(parts, plan).run({ ...plan, onOutcome: into(outcomes.did) });
    for (const model of this.#model.values()) model.told.clear();
    return outcomes;
  }

  /** What clients were told is here is here for as long as they can rely on it. */
  async #checkPromises(): Promise<void> {
    for (const [name, { told }] of this.#model) {
      const record = await this.#database.repositories.findByName(name);
      for (const digest of told.keys()) {
        if (!this.#isTold(name, digest)) told.delete(digest);
        else expect(await this.#database.repositoryBlobs.find(record?.id ?? 0, digest)).toBeDefined();
      }
    }
  }

  /** What tags reach is there, and what it says. */
  async check(): Promise<void> {
    for (const [name, { tags: names }] of this.#model) {
      const repository = await this.#repository(name);
      for (const [tag, digest] of names) {
        expect((await repository.manifest(parseTag(tag), true)).digest).toBe(digest);
        await this.#checkManifest(repository, digest);
      }
    }
  }

  async #checkManifest(repository: WritableRepository, digest: Digest): Promise<void> {
    expect(digestOf((await repository.manifest(parseReference(digest), true)).payload)).toBe(digest);
    const manifest = contents.find((each) => each.digest === digest) ?? at(0);
    for (const child of children.get(digest) ?? []) await this.#checkManifest(repository, child.digest);
    for (const blob of blobsOf(manifest))
      expect(digestOf(await bytesOf(await repository.blob(blob.digest)))).toBe(blob.digest);
  }

  /** Once all times have passed: what nothing reaches is gone, rows and bytes, and nothing waits any more. */
  async drain(): Promise<void> {
    for (let round = 0; round < 5; round += 1) {
      this.#clock.now += reviewMs + hourMs;
      await this.#collect(undefined);
    }
    await this.check();
    const { database } = { database: this.#database };
    const linked = new Set<Digest>();
    const named = new Set<Digest>();
    for (const [name, model] of this.#model) {
      const reached = this.#reached(model);
      const record = await database.repositories.findByName(name);
      const id = record?.id ?? 0;
      const there = [];
      for (const { digest } of contents)
        if (await database.repositoryManifests.find(id, digest)) there.push(digest);
      // What came back in time.
      for (const { digest, subject } of signatures)
        if (subject !== undefined && reached.has(subject) && there.includes(digest)) reached.add(digest);
      expect(there.toSorted()).toEqual([...reached].toSorted());
      const needed = new Set(
        contents
          .filter(({ digest }) => reached.has(digest))
          .flatMap(blobsOf)
          .map(({ digest }) => digest),
      );
      const links = [];
      for (const digest of blobDigests)
        if (await database.repositoryBlobs.find(id, digest)) links.push(digest);
      expect(links.toSorted()).toEqual([...needed].toSorted());
      for (const digest of needed) linked.add(digest);
      for (const digest of reached) named.add(digest);
      model.manifests.clear();
      for (const digest of reached) model.manifests.add(digest);
      model.told.clear();
    }
    const entries = await database.cacheContents.list(this.#source.upstream.settings.id, undefined, {
      page: 1,
      perPage: 100,
    });
    for (const { kind, digest } of entries.records) (kind === 'blob' ? linked : named).add(digest);
    const records = await database.storedBlobs.list('', 100);
    expect(records.map(({ digest }) => digest)).toEqual([...linked].toSorted());
    const payloads = [];
    for (const { digest } of contents)
      if ((await database.manifests.findSize(digest)) !== undefined) payloads.push(digest);
    expect(payloads.toSorted()).toEqual([...named].toSorted());
    for (const kind of ['manifest', 'link', 'blob', 'payload'] as const)
      expect(await database.reviewQueue.describe(kind)).toMatchObject({ length: 0 });
    this.#checkBytes(records.map(({ storageKey }) => storageKey));
  }

  /** A process that died between a record and its bytes leaves these, and no others: the scrub's work, done here. */
  #checkBytes(keys: readonly string[]): void {
    expect(keys.filter((key) => !this.#store.blobs.has(key))).toEqual([]);
    for (const key of this.#store.blobs.keys()) if (!keys.includes(key)) this.leftBytes += 1;
    for (const key of [...this.#store.blobs.keys()]) if (!keys.includes(key)) this.#store.blobs.delete(key);
  }

  /** How many copies were left behind by deaths. */
  leftBytes = 0;

  #reached({ tags: names, manifests }: ModelRepository): Set<Digest> {
    const reached = new Set<Digest>();
    const add = (digest: Digest) => {
      reached.add(digest);
      for (const child of children.get(digest) ?? []) add(child.digest);
    };
    for (const digest of names.values()) add(digest);
    // Referrers stay with their subject.
    for (const { digest, subject } of signatures)
      if (subject !== undefined && reached.has(subject) && manifests.has(digest)) reached.add(digest);
    return reached;
  }

  #demandMayBeGone(name: string, digests: readonly Digest[]): void {
    expect(digests.some((digest) => this.#isTold(name, digest))).toBe(false);
  }

  #isTold(name: string, digest: Digest): boolean {
    return (this.#of(name).told.get(digest) ?? Number.NEGATIVE_INFINITY) + leaseMs > this.#clock.now;
  }

  #repository(name: string): Promise<WritableRepository> {
    return this.#hosted.getWritable(parseRepositoryName(name), {
      key: 'user:1',
      userId: undefined,
      name: 'alice',
      address: undefined,
      protectionLevel: 60,
    });
  }

  #of(name: string): ModelRepository {
    const model = this.#model.get(name);
    if (!model) throw new Error(`no repository ${name}`);
    return model;
  }
}

async function bytesOf(blob: BlobAnswer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of blob.read(0, undefined, new AbortController().signal))
    chunks.push(Buffer.from(chunk));
  await blob.close();
  return Buffer.concat(chunks);
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes;
}

/** False where it was refused with one of these codes. */
async function succeeds(promise: Promise<unknown>, ...refusals: readonly string[]): Promise<boolean> {
  try {
    await promise;
    return true;
  } catch (error) {
    if (error instanceof OciError && refusals.includes(error.code)) return false;
    throw error;
  }
}

const nameAt = (index: number): string => repositories[index % repositories.length] ?? 'acme/a';
const blobAt = (index: number): Digest => blobDigests[index % blobDigests.length] ?? at(0).digest;
const tagAt = (index: number): string => tags[index % tags.length] ?? 't0';
const manifestAt = (index: number): FakeManifest => contents[index % contents.length] ?? at(0);

/** What a step changes: two steps that change the same do not run at once. */
export function touchedBy(step: Step): readonly string[] {
  switch (step.do) {
    case 'wait':
      return ['clock'];
    case 'collect':
      return [];
    case 'expire':
      return ['uploads'];
    case 'pull through':
    case 'evict':
      return ['cache'];
    case 'upload':
    case 'head':
    case 'mount':
    case 'delete blob':
      return [`${nameAt(step.repository)} ${blobAt(step.blob)}`];
    case 'put':
    case 'delete tag':
    case 'delete manifest':
      return [nameAt(step.repository)];
    case 'push':
      return [
        nameAt(step.repository),
        ...blobDigests.map((digest) => `${nameAt(step.repository)} ${digest}`),
      ];
  }
}
