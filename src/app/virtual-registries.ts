/** Virtual registries: the way of a pull, on records, bytes and upstreams. */
import { setTimeout } from 'node:timers/promises';
import type { Admission } from '../admission/admission.ts';
import { Quarantine } from '../admission/quarantine.ts';
import type { Verdict } from '../admission/verdict.ts';
import type { SecretBox } from '../auth/credentials/secret-box.ts';
import type { HotContent } from '../cache/hot-content.ts';
import { NotFound } from '../cache/not-found.ts';
import { PullCounts } from '../cache/pull-counts.ts';
import type { SharedCache } from '../cache/shared.ts';
import { Usage } from '../cache/usage.ts';
import type { Config } from '../config/config.ts';
import { loadRegistry } from '../management/registries/load-registry.ts';
import type { JudgeCached } from '../management/registries/quarantine-previews.ts';
import type { UpstreamSecrets } from '../management/registries/upstream-settings.ts';
import type { ApplicationSettings } from '../management/server/application-settings.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/reference.ts';
import { BlobPull } from '../proxy/blob-pull.ts';
import { BlobSha1s } from '../proxy/blob-sha1s.ts';
import { explainPull } from '../proxy/explain.ts';
import { type FillObserver, type RunningFill, tellFill } from '../proxy/fill-observer.ts';
import { Fills } from '../proxy/fills.ts';
import { healBlob } from '../proxy/heal-blob.ts';
import type { FindHosted } from '../proxy/local-repository.ts';
import { ManifestFetch } from '../proxy/manifest-fetch.ts';
import { ManifestPull } from '../proxy/manifest-pull.ts';
import { createPublishBlob, type Room } from '../proxy/publish-blob.ts';
import { ReferrerLists } from '../proxy/referrer-lists.ts';
import { type RemotePart, registryView } from '../proxy/registry-view.ts';
import { Revalidation } from '../proxy/revalidation.ts';
import { createShareFill } from '../proxy/shared/share-fill.ts';
import { placeOf } from '../proxy/source.ts';
import { TagLists } from '../proxy/tag-lists.ts';
import { VirtualRegistries as Registries } from '../proxy/virtual-registries.ts';
import { type Pulls, VirtualRepository } from '../proxy/virtual-repository.ts';
import type { BlobReads } from '../storage/blob-reads.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { BufferBudget } from '../storage/chunk-reader.ts';
import { LocalUpstream } from '../upstreams/local-upstream.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { UpstreamPool } from '../upstreams/upstream-pool.ts';
import type { Cluster } from './cluster.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Outbound } from './outbound.ts';
import type { Storage } from './storage.ts';
import type { Spans, Tracing } from './tracing/tracing.ts';
import { upstreamOptions } from './upstream-options.ts';

export interface VirtualRegistryParts {
  readonly config: Config;
  readonly storage: Pick<Storage, 'database' | 'space'> & { readonly store: BlobStore };
  /** What clients get. */
  readonly reads: BlobReads;
  readonly outbound: Outbound;
  readonly shared: SharedCache;
  readonly hot: HotContent;
  readonly secrets: UpstreamSecrets;
  readonly settings: Pick<ApplicationSettings, 'offReason'>;
  /** For what other processes may read. */
  readonly secretBox: SecretBox;
  readonly findHosted: FindHosted;
  readonly metrics: Pick<Metrics, 'fills' | 'upstreams'>;
  readonly room: Room;
  readonly admission: Admission;
  /** Undefined: what other processes do is not known. */
  readonly cluster: Pick<Cluster, 'sharing' | 'upstreams'> | undefined;
  readonly log: Log;
  readonly now: () => number;
  readonly tracing?: Tracing | undefined;
}

export function createVirtualRegistries({
  config,
  storage: { database, store: unwatchedStore, space },
  reads: unwatchedReads,
  outbound,
  shared,
  hot,
  secrets,
  settings,
  secretBox,
  findHosted,
  metrics,
  room,
  admission,
  cluster,
  log,
  now,
  tracing,
}: VirtualRegistryParts) {
  /** Objects as they are where there are no traces. */
  const watched = <T extends object>(object: T, spans: Spans<T>): T =>
    tracing?.watch(object, spans) ?? object;
  const store = watched(unwatchedStore, { createSpool: 'create spool' });
  const reads = watched(unwatchedReads, { open: 'open stored blob' });
  const { cacheEntries: entries, manifests, blobs } = database;
  const { cache } = config;
  const running = new Set<RunningFill>();
  const observer: FillObserver = {
    ...metrics.fills,
    started(fill) {
      if (fill) running.add(fill);
      metrics.fills.started();
    },
    finished(result, fill) {
      if (fill) running.delete(fill);
      metrics.fills.finished(result);
    },
  };
  const demandRoom = (bytes: number) => space.demand(bytes);
  const upstreams = new UpstreamPool(
    { ...upstreamOptions(config, outbound, tracing), observer: metrics.upstreams, shared, log, now },
    secretBox,
  );
  const ttlMs = cache.listMs;
  const pause = (ms: number, signal: AbortSignal) => setTimeout(ms, undefined, { signal });
  const buffers = new BufferBudget();
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
  const sha1s = new BlobSha1s({ blobs, store, buffers, pause, log });
  const publish = createPublishBlob({ store, blobs, entries, room, log, now });
  const fills = new Fills({
    log,
    observer,
    pause,
    buffers,
    publish,
    createSpool: async () => {
      const spool = await store.createSpool();
      return tracing?.watchLife('fill', spool, ['commit', 'abort']) ?? spool;
    },
    demandRoom,
    share: cluster && createShareFill({ sharing: cluster.sharing, entries, blobs, store }),
  });
  const fetch = new ManifestFetch({ entries, manifests, demandRoom, log, now });
  const revalidation = new Revalidation({ fetch, entries, backoffMs: cache.backoffMs, log, now });
  const common = { entries, hot, usage, log, now };
  const pulls: Pulls = {
    manifests: watched(new ManifestPull({ ...common, manifests, revalidation, fetch, notFound, admission }), {
      manifest: 'pull manifest',
    }),
    blobs: watched(new BlobPull({ ...common, blobs, reads, fills, buffers, room, observer, pause }), {
      blob: 'pull blob',
      stat: 'pull blob',
    }),
    tags: new TagLists({ entries, ttlMs, log, now }),
    referrers: new ReferrerLists({ entries, manifests, ttlMs, log, now }),
    counts,
  };
  const watchedUpstreams = new WeakMap<Upstream, Upstream>();
  const registries = new Registries({
    load: (id) =>
      loadRegistry({ database, secrets, settings }, id, config.virtualRegistries.anonymousPrivate),
    list: async (groupId) => (await database.virtualRegistries.list(groupId)).map(({ id }) => id),
    upstreamOf(settings) {
      const upstream = upstreams.get(settings);
      if (upstream instanceof LocalUpstream) return upstream;
      const known = watchedUpstreams.get(upstream) ?? watched(upstream, upstreamSpans);
      watchedUpstreams.set(upstream, known);
      return cluster?.upstreams.share(known) ?? known;
    },
    findHosted,
    hot,
    admission,
    pulls,
  });
  const explaining = {
    entries,
    manifests,
    findHosted,
    admission,
    contentOf: (part: RemotePart, name: RepositoryName) => new VirtualRepository(pulls, part, name).content,
    now,
  };
  const explainer = {
    async explain(registryId: number, ...[repository, reference]: Explained) {
      const nothing = { id: registryId, groupId: 0, groupPath: '', isOpen: false, upstreams: [] };
      const view = (await registries.view(registryId)) ?? registryView(nothing);
      return explainPull(view, repository, reference, explaining);
    },
  };
  const findUpstream = async (id: number) => {
    const record = await database.upstreams.find(id);
    const upstream = record && upstreams.get(secrets.settingsOf(record));
    return upstream instanceof LocalUpstream ? undefined : upstream;
  };
  const judgeCached: JudgeCached = async (settings, groupId, quarantine, tags) => {
    // What is let in for a trial is remembered by nobody else.
    const policy = new Quarantine({ sightings: database.tagSightings, now });
    const upstream = upstreams.get(settings);
    if (upstream instanceof LocalUpstream) return [];
    const part = { key: 'trial', registryId: 0, groupId, upstreams: [upstream], areNamesOwn: true };
    const verdicts: (Verdict | undefined)[] = [];
    for (const { repository, ...tag } of tags) {
      const payload = await manifests.findPayload(tag.digest);
      const place = placeOf(0, { upstream: { settings: { ...settings, quarantine } }, repository });
      const { content } = new VirtualRepository(pulls, part, repository);
      verdicts.push(payload && (await policy.judge({ ...tag, payload, place, content })));
    }
    return verdicts;
  };
  const heal = ({ digest, size }: { readonly digest: Digest; readonly size: number }) =>
    healBlob({ blobs: database.storedBlobs, fills, findUpstream }, digest, size);
  return {
    registries,
    upstreams,
    fills,
    findUpstream,
    usage,
    explainer,
    judgeCached,
    heal,
    sha1s,
    listFills: () => Array.from(running, tellFill),
    /** When requests come no more: ends fills at the limit at the latest. */
    async close(limit: AbortSignal): Promise<void> {
      await Promise.all([fills.close(limit), sha1s.close()]);
      await upstreams.close();
      await Promise.all([usage.close(), counts.close()]);
    },
  };
}

/** What a pull waits for, as traces call it. */
const upstreamSpans = {
  headManifest: 'probe manifest',
  getManifest: 'fetch manifest',
  headBlob: 'probe blob',
  openBlob: 'open blob at upstream',
} as const;

type Explained = [Parameters<typeof explainPull>[1], Parameters<typeof explainPull>[2]];

export type VirtualRegistries = ReturnType<typeof createVirtualRegistries>;
