/** Wires the pull path: from records, bytes and upstreams to virtual registries. */
import { HotManifests } from '../cache/hot-manifests.ts';
import { NotFound } from '../cache/not-found.ts';
import { PullCounts } from '../cache/pull-counts.ts';
import type { SharedCache } from '../cache/shared.ts';
import { Usage } from '../cache/usage.ts';
import type { Config } from '../config/config.ts';
import type { UpstreamSecrets } from '../management/registries/upstream-settings.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import { BlobPull } from '../proxy/blob-pull.ts';
import { explainPull } from '../proxy/explain.ts';
import type { FillObserver } from '../proxy/fill-observer.ts';
import { Fills } from '../proxy/fills.ts';
import { healBlob } from '../proxy/heal-blob.ts';
import type { FindHosted } from '../proxy/local-repository.ts';
import { ManifestFetch } from '../proxy/manifest-fetch.ts';
import { ManifestPull } from '../proxy/manifest-pull.ts';
import { createPublishBlob, type Room } from '../proxy/publish-blob.ts';
import { ReferrerLists } from '../proxy/referrer-lists.ts';
import { registryView } from '../proxy/registry-view.ts';
import { Revalidation } from '../proxy/revalidation.ts';
import { TagLists } from '../proxy/tag-lists.ts';
import { type ConfiguredRegistry, VirtualRegistries } from '../proxy/virtual-registries.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { BufferBudget } from '../storage/chunk-reader.ts';
import { LocalUpstream } from '../upstreams/local-upstream.ts';
import type { UpstreamPool } from '../upstreams/upstream-pool.ts';

export interface PullParts {
  readonly config: Config;
  readonly database: Database;
  readonly store: BlobStore;
  readonly shared: SharedCache;
  readonly upstreams: UpstreamPool;
  readonly secrets: UpstreamSecrets;
  readonly findHosted: FindHosted;
  readonly observer: FillObserver;
  readonly room: Room;
  /** On the disk. @throws SpoolError */
  readonly demandRoom: (bytes: number) => Promise<void>;
  readonly log: Log;
  readonly now: () => number;
}

export function createPulls({
  config,
  database,
  store,
  shared,
  upstreams,
  secrets,
  findHosted,
  observer,
  room,
  demandRoom,
  log,
  now,
}: PullParts) {
  const { cacheEntries: entries, manifests, blobs } = database;
  const { cache } = config;
  const ttlMs = cache.listMs;
  const buffers = new BufferBudget();
  const hot = new HotManifests(cache.hotManifestBytes);
  const usage = new Usage({
    record: (downloads) => entries.recordDownloads(downloads),
    flushMs: cache.usageFlushMs,
    now,
    log,
  });
  const counts = new PullCounts({
    record: (pulls) => database.cachePulls.add(pulls),
    flushMs: cache.usageFlushMs,
    log,
  });
  const notFound = new NotFound({
    shared,
    ttlMs: cache.notFoundMs,
    signatureTtlMs: cache.notFoundSignatureMs,
  });
  const publish = createPublishBlob({ store, blobs, entries, room, log, now });
  const fills = new Fills({
    log,
    observer,
    buffers,
    publish,
    createSpool: () => store.createSpool(),
    demandRoom,
  });
  const fetch = new ManifestFetch({ entries, manifests, demandRoom, log, now });
  const revalidation = new Revalidation({ fetch, entries, backoffMs: cache.backoffMs, log, now });
  const registries = new VirtualRegistries({
    load: (id) => loadRegistry(database, secrets, id, config.virtualRegistries.anonymousPrivate),
    upstreamOf: (settings) => upstreams.get(settings),
    findHosted,
    hot,
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
        now,
      }),
      blobs: new BlobPull({ entries, blobs, store, fills, buffers, usage, room, observer, log, now }),
      tags: new TagLists({ entries, ttlMs, log, now }),
      referrers: new ReferrerLists({ entries, manifests, ttlMs, log, now }),
      counts,
    },
  });
  const explainer = {
    async explain(registryId: number, ...[repository, reference]: Explained) {
      const nothing = { id: registryId, groupId: 0, groupPath: '', upstreams: [] };
      const view = (await registries.view(registryId)) ?? registryView(nothing);
      return explainPull(view, repository, reference, { entries, findHosted, now });
    },
  };
  const findUpstream = async (id: number) => {
    const record = await database.upstreams.find(id);
    const upstream = record && upstreams.get(secrets.settingsOf(record));
    return upstream instanceof LocalUpstream ? undefined : upstream;
  };
  const heal = ({ digest, size }: { readonly digest: Digest; readonly size: number }) =>
    healBlob({ blobs: database.storedBlobs, fills, findUpstream }, digest, size);
  return { registries, fills, usage, counts, explainer, heal };
}

type Explained = [Parameters<typeof explainPull>[1], Parameters<typeof explainPull>[2]];

async function loadRegistry(
  database: Database,
  secrets: UpstreamSecrets,
  id: number,
  showsPrivate: boolean,
): Promise<ConfiguredRegistry | undefined> {
  const registry = await database.virtualRegistries.find(id);
  if (!registry) return undefined;
  const { groupId } = registry;
  const group = await database.groups.find(groupId);
  if (!group) return undefined;
  const upstreams = (await database.upstreams.listByRegistry(id)).map((record) => secrets.settingsOf(record));
  const groupPath = registry.anonymousPull && !showsPrivate ? '' : group.fullPath;
  return { id, groupId, groupPath, upstreams };
}
