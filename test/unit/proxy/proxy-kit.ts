/** Virtual registries on records and bytes in memory, whose upstreams have no network. */
import { onTestFinished, vi } from 'vitest';
import type { AdmissionPolicy } from '../../../src/admission/admission-policy.ts';
import { HotContent } from '../../../src/cache/hot-content.ts';
import { NotFound } from '../../../src/cache/not-found.ts';
import type { SharedCache } from '../../../src/cache/shared.ts';
import { Usage } from '../../../src/cache/usage.ts';
import type { EntryKind } from '../../../src/metadata/cached/cache-entry.ts';
import { type Database, openDatabase } from '../../../src/metadata/db/database.ts';
import type { Log } from '../../../src/observe/log.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import type { ManifestReference } from '../../../src/oci/manifest.ts';
import { parseReference, parseRepositoryName, type RepositoryName } from '../../../src/oci/reference.ts';
import type { BlobAnswer, ReadableRepository } from '../../../src/oci/repository.ts';
import { BlobPull } from '../../../src/proxy/blob-pull.ts';
import type { FillObserver } from '../../../src/proxy/fill-observer.ts';
import { Fills } from '../../../src/proxy/fills.ts';
import { ManifestFetch } from '../../../src/proxy/manifest-fetch.ts';
import { ManifestPull } from '../../../src/proxy/manifest-pull.ts';
import { createPublishBlob, type Room } from '../../../src/proxy/publish-blob.ts';
import { ReferrerLists } from '../../../src/proxy/referrer-lists.ts';
import { Revalidation } from '../../../src/proxy/revalidation.ts';
import type { Source } from '../../../src/proxy/source.ts';
import { TagLists } from '../../../src/proxy/tag-lists.ts';
import { VirtualRegistries } from '../../../src/proxy/virtual-registries.ts';
import { SpoolError } from '../../../src/storage/blob-store.ts';
import { BufferBudget } from '../../../src/storage/chunk-reader.ts';
import type { UpstreamSettings } from '../../../src/upstreams/upstream.ts';
import { admissionOf } from '../../support/admission.ts';
import type { FakeManifest } from '../../support/fake-content.ts';
import { FakeUpstream } from '../../support/fake-upstream.ts';
import { MemoryBlobStore } from '../../support/memory-blob-store.ts';
import { silentLog } from '../../support/silent-log.ts';

export const hourMs = 3_600_000;
export const backoffMs = 30_000;
export const notFoundMs = 60_000;
export const listMs = 120_000;

export const image = parseRepositoryName('app');
/** What the image is called at upstreams. */
export const atUpstream = parseRepositoryName('library/app');

export type ProxyKit = Awaited<ReturnType<typeof startProxy>>;

export interface KitOptions {
  /** Of the upstreams, in their order; one where left out. */
  readonly upstreams?: readonly Partial<UpstreamSettings>[];
  readonly room?: Partial<Room>;
  readonly policiesOf?: (database: Database, now: () => number) => readonly AdmissionPolicy[];
}

/** Virtual registry 1 of a group, with these upstreams. */
export async function startProxy({
  upstreams: given = [{}],
  room: changed = {},
  policiesOf = () => [],
}: KitOptions = {}) {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const now = () => clock.now;
  const database = await openDatabase({ url: undefined, file: ':memory:', log: silentLog, now });
  onTestFinished(() => database.close());
  const errors: string[] = [];
  const log: Log = { ...silentLog, error: (_, message) => void errors.push(message) };
  const admission = admissionOf({ policies: policiesOf(database, now), log });
  const store = new MemoryBlobStore();
  const fillsEnded: string[] = [];
  /** What metrics say of fills. */
  const seen = { spooled: 0, resumed: 0, followed: 0, started: 0 };
  const observer: FillObserver = {
    started() {
      seen.started += 1;
    },
    followed() {
      seen.followed += 1;
    },
    resumed() {
      seen.resumed += 1;
    },
    spooled(bytes) {
      seen.spooled += bytes;
    },
    finished: (result) => void fillsEnded.push(result),
  };
  const disk = { room: Number.POSITIVE_INFINITY };
  const demandRoom = async (bytes: number) => {
    if (bytes > disk.room) throw new SpoolError('no space left on device');
  };
  const createSpool = async () => {
    await demandRoom(0);
    return store.createSpool();
  };
  const grown: number[] = [];
  const room: Room = {
    admit: async () => ({ refused: new Set<number>(), release: async () => undefined }),
    grew: async (groupId) => void grown.push(groupId),
    ...changed,
  };
  const { cacheEntries: entries, manifests, blobs } = database;
  const pauses: number[] = [];
  const pause = async (ms: number) => void pauses.push(ms);
  const buffers = new BufferBudget();
  const hot = new HotContent(1024 * 1024);
  const usage = new Usage({
    record: (downloads) => entries.recordDownloads(downloads),
    flushMs: hourMs,
    now,
    log,
  });
  onTestFinished(() => usage.close());
  const publish = createPublishBlob({ store, blobs, entries, room, log, now });
  const fills = new Fills({ log, observer, pause, buffers, publish, createSpool, demandRoom });
  const fetch = new ManifestFetch({ entries, manifests, demandRoom, log, now });
  const revalidation = new Revalidation({ fetch, entries, backoffMs, log, now });
  const notFound = new NotFound({ shared: sharedCache(now), ttlMs: notFoundMs, signatureTtlMs: 0 });
  const counted: { readonly groupId: number; readonly isHit: boolean }[] = [];
  const configured = new Map<number, { groupId: number; groupPath: string; upstreams: FakeUpstream[] }>();
  const registries = new VirtualRegistries({
    load: async (id) => {
      const registry = configured.get(id);
      return (
        registry && {
          ...registry,
          id,
          isOpen: false,
          upstreams: registry.upstreams.map(({ settings }) => settings),
        }
      );
    },
    list: async (groupId) => [...configured.keys()].filter((id) => configured.get(id)?.groupId === groupId),
    upstreamOf: ({ id }) => {
      const upstream = [...configured.values()]
        .flatMap((each) => each.upstreams)
        .find((each) => each.settings.id === id);
      if (!upstream) throw new Error('no such upstream');
      return upstream;
    },
    findHosted: async () => undefined,
    hot,
    admission,
    pulls: {
      manifests: new ManifestPull({
        log,
        entries,
        manifests,
        hot,
        revalidation,
        fetch,
        notFound,
        usage,
        admission,
        now,
      }),
      blobs: new BlobPull({
        entries,
        blobs,
        reads: store,
        hot,
        fills,
        buffers,
        usage,
        room,
        observer,
        pause,
        log,
        now,
      }),
      tags: new TagLists({ entries, ttlMs: listMs, log, now }),
      referrers: new ReferrerLists({ entries, manifests, ttlMs: listMs, log, now }),
      counts: { count: (groupId, isHit) => void counted.push({ groupId, isHit }) },
    },
  });
  /** A virtual registry more, of a group of its own. */
  const addRegistry = async (upstreamsOf: readonly Partial<UpstreamSettings>[]) => {
    const id = configured.size + 1;
    const path = `group-${id}`;
    const group = await database.groups.create({ name: path, path, fullPath: path, visibility: 'private' });
    const upstreams: FakeUpstream[] = [];
    for (const [index, settings] of upstreamsOf.entries()) {
      const url = settings.url ?? `https://upstream-${index + 1}.test`;
      const record = await database.upstreams.create({
        groupId: group.id,
        url,
        name: url,
        cacheValidityHours: 24,
        allowPatterns: [],
        denyPatterns: [],
        allowPrivateNetwork: false,
      });
      upstreams.push(new FakeUpstream({ ...settings, url, id: record.id }));
    }
    configured.set(id, { groupId: group.id, groupPath: path, upstreams });
    return { id, groupId: group.id, upstreams };
  };
  const { groupId, upstreams } = await addRegistry(given);
  const repository = async (registryId = 1, of: string = image): Promise<ReadableRepository> => {
    const found = await registries.find(nameOf(registryId, of));
    if (!found) throw new Error('no such virtual registry');
    return found;
  };
  const entryOf = async (
    { settings }: FakeUpstream,
    reference: string,
    kind: EntryKind = reference.includes(':') ? 'blob' : 'manifest',
  ) => {
    const [entry] = await entries.listAt(
      [{ upstreamId: settings.id, repository: atUpstream }],
      kind,
      reference,
    );
    return entry;
  };
  /** As if it had been pulled under this reference a moment ago. */
  const record = (
    { settings }: FakeUpstream,
    { digest, mediaType, payload }: FakeManifest,
    reference: string,
    references: readonly ManifestReference[] = [],
  ) => {
    const link = {
      groupId,
      upstreamId: settings.id,
      repository: atUpstream,
      kind: 'manifest',
      reference,
    } as const;
    const entry = { ...link, digest, mediaType, etag: undefined, checkedAt: now() };
    return entries.saveManifest(entry, payload, references);
  };
  return {
    clock,
    database,
    store,
    fills,
    hot,
    usage,
    registries,
    /** Below 0, nothing can be written at all. */
    disk,
    groupId,
    upstreams,
    /** The upstream of a registry with one. */
    upstream: nth(upstreams, 0),
    addRegistry,
    repository,
    entryOf,
    errors,
    pauses,
    grown,
    counted,
    fillsEnded,
    seen,
    record,
    sourceAt: (upstream: FakeUpstream, ofGroup = groupId): Source => ({
      upstream,
      groupId: ofGroup,
      repository: atUpstream,
    }),
    manifest: async (reference: string, signal?: AbortSignal) =>
      (await repository()).manifest(parseReference(reference), true, signal),
    blob: async (digest: Digest, signal?: AbortSignal) => (await repository()).blob(digest, signal),
    stat: async (digest: Digest, signal?: AbortSignal) => (await repository()).statBlob(digest, signal),
    /** Of an entry, all that are counted. */
    async downloads(upstream: FakeUpstream, reference: string): Promise<number | undefined> {
      await usage.flush();
      return (await entryOf(upstream, reference))?.downloadsCount;
    },
  };
}

/** What is kept in memory for seconds stays there until the test ends. */
export function stopTime(): void {
  const time = vi.spyOn(performance, 'now').mockReturnValue(1);
  onTestFinished(() => time.mockRestore());
}

/** Of an image in a virtual registry. */
export function nameOf(registryId = 1, of: string = image): RepositoryName {
  return parseRepositoryName(`virtual_registries/container/${registryId}/${of}`);
}

export function nth<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}

/** Of one process, on the test's clock. */
function sharedCache(now: () => number): SharedCache {
  const known = new Map<string, { value: string; until: number }>();
  return {
    find: async (key) => {
      const found = known.get(key);
      return found && now() < found.until ? found.value : undefined;
    },
    remember: async (key, value, ttlMs) => void known.set(key, { value, until: now() + ttlMs }),
    counters: undefined,
    check: async () => undefined,
    close: async () => undefined,
  };
}

const forever = new AbortController().signal;

/** All of a blob, or a part of it; then lets go of it. */
export async function bytesOf(
  answer: BlobAnswer,
  start = 0,
  end?: number,
  signal = forever,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer.read(start, end, signal)) chunks.push(Buffer.from(chunk));
  } finally {
    await answer.close();
  }
  return Buffer.concat(chunks);
}

/** Lets what is under way go on as far as it can without a timer: for what must not happen. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
