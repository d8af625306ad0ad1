/** The server, put together: each line makes one area from those before it. The only place where everything meets. */
import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { hostname } from 'node:os';
import { Admission } from '../admission/admission.ts';
import { Quarantine } from '../admission/quarantine.ts';
import { SignatureAdmission } from '../admission/signature-admission.ts';
import { Passwords } from '../auth/credentials/passwords.ts';
import { SecretBox } from '../auth/credentials/secret-box.ts';
import { HotContent } from '../cache/hot-content.ts';
import { createSharedCache } from '../cache/shared.ts';
import { ToldBeliefs } from '../cache/told-beliefs.ts';
import type { Config } from '../config/config.ts';
import type { MirrorSetting } from '../config/mirror-settings.ts';
import { version } from '../config/version.ts';
import { type FirstStart, prepareFirstStart } from '../management/people/first-start.ts';
import { warnOfUnverified } from '../management/registries/upstream-network.ts';
import { UpstreamSecrets } from '../management/registries/upstream-settings.ts';
import { ApplicationSettings } from '../management/server/application-settings.ts';
import type { Log } from '../observe/log.ts';
import { PrewarmTask } from '../proxy/prewarm/prewarm-task.ts';
import { Heartbeat } from '../tasks/heartbeat.ts';
import { Scheduler } from '../tasks/scheduler.ts';
import { createAuth } from './auth.ts';
import { createBlobReads } from './blob-reads.ts';
import { createCluster } from './cluster.ts';
import { createCollection } from './collector.ts';
import { configuredSettings } from './configured-settings.ts';
import { createExternalRegistry } from './external-registry.ts';
import { createHostedRegistry } from './hosted-registry.ts';
import { createHttp, warnOfIdleMirrors } from './http.ts';
import { createManagement } from './management.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createOperations } from './operations.ts';
import { createOutbound } from './outbound.ts';
import { createReplication } from './replication.ts';
import { createRetention } from './retention.ts';
import type { Secrets } from './secrets.ts';
import { openStorage } from './storage.ts';
import type { Tracing } from './tracing/tracing.ts';
import { TrafficSampler } from './traffic-sampler.ts';
import { createVirtualRegistries } from './virtual-registries.ts';
import { createWebhooks } from './webhooks.ts';
import type { Worker } from './workers/worker.ts';

export interface App {
  /** For clients. */
  readonly handler: RequestListener;
  /** For clients, at the address of a mirror. */
  readonly mirrorHandlerOf: (mirror: MirrorSetting) => RequestListener;
  /** For those who run it. */
  readonly operationsHandler: RequestListener;
  /** For other processes, which may ask before {@link start} has ended, and until {@link close} has. */
  readonly clusterHandler: RequestListener | undefined;
  /** Makes what an installation begins with, and starts to work in the background. From then on requests may come. */
  start(announce: (first: FirstStart) => Promise<void>): Promise<void>;
  /** When requests come no more: ends what goes on, fills at the limit at the latest, and records what was counted. */
  close(limit: AbortSignal): Promise<void>;
}

/**
 * @param now epoch milliseconds
 * @param clusterAddress host:port where other processes reach this one
 * @param worker undefined: it is alone
 */
export async function createApp(
  config: Config,
  secrets: Secrets,
  log: Log,
  now: () => number = Date.now,
  clusterAddress?: string,
  worker?: Worker,
): Promise<App> {
  const outbound = createOutbound(config);
  let countPending: (() => Promise<number>) | undefined;
  const metrics = createMetrics(async () => (await countPending?.()) ?? 0, worker?.metrics);
  const id = randomUUID();
  await using opened = new AsyncDisposableStack();
  const tracing = await startTracing(config, id);
  opened.defer(() => tracing?.close());
  const storage = await openStorage({ config, tracing, log, now, worker, observer: metrics.objects });
  opened.defer(() => storage.close());
  const { database } = storage;
  countPending = () => database.webhookDeliveries.countPending();
  const heartbeat = new Heartbeat({
    id,
    name: worker ? `${hostname()} worker ${worker.number}` : hostname(),
    version,
    address: clusterAddress,
    records: database.processes,
    log,
    now,
  });
  /** SQLite's file belongs to one server. */
  const isAlone = worker === undefined && config.database.url === undefined;
  // Workers have others, whether these live yet or not.
  const hasOthers = () => worker !== undefined || heartbeat.hasOthers;
  const shared =
    config.sharedCache.url === undefined
      ? new ToldBeliefs({ records: isAlone ? undefined : database.sharedBeliefs, hasOthers, log, now })
      : await createSharedCache(config.sharedCache.url, log);
  opened.defer(() => shared.close());
  const settings = new ApplicationSettings({
    database,
    configured: configuredSettings(config),
    forgetRegistries: () => virtual.registries.forgetAll(),
    now,
  });
  const readOnlyReason = () => settings.readOnlyReason();
  /** Also where there is no store to change anything in. */
  const pauseReason = async () => (await readOnlyReason()) ?? storage.identity.fault;
  const hot = new HotContent(config.cache.hotManifestBytes);
  const passwords = new Passwords();
  const secretBox = new SecretBox(secrets.key);
  const reads = createBlobReads({ ...storage, config, observer: metrics.readCache, log, now });
  const quarantine = new Quarantine({ sightings: database.tagSightings, now });
  const signatures = new SignatureAdmission({ database, now });
  const policies = [quarantine, signatures];
  const admission = new Admission({ policies, observer: metrics.admission, log });
  const common = {
    config,
    outbound,
    storage,
    database,
    settings,
    metrics,
    shared,
    reads: reads.reads,
    hot,
    admission,
    signatures,
    passwords,
    secretBox,
    log,
    now,
    tracing,
  };

  const cluster =
    clusterAddress === undefined
      ? undefined
      : createCluster({ ...common, id, key: secrets.key, address: clusterAddress });
  const hosted = createHostedRegistry(common);
  const retention = createRetention({
    ...common,
    wake: (task) => scheduler.wake(task),
    onEvicted: () => collection.worker.wake(),
    flushUsage: () => virtual.usage.flush(),
  });
  const webhooks = createWebhooks({ ...common, secret: secrets.webhookSecret, readOnlyReason });
  const virtual = createVirtualRegistries({
    ...common,
    secrets: new UpstreamSecrets(secretBox),
    findHosted: (groupPath, name) => hosted.repositories.findVisibleFrom(groupPath, name),
    room: retention.room,
    cluster,
  });
  const collection = createCollection({ ...common, heal: virtual.heal, readOnlyReason: pauseReason });
  const { registries } = virtual;
  const { room } = retention;
  const prewarm = new PrewarmTask({ ...common, registries, room, observer: metrics.cache });
  const replication = createReplication({ ...common, hosted });
  opened.defer(() => replication.close());
  const scheduler = new Scheduler({
    tasks: [hosted, webhooks, collection, retention, replication, { tasks: [prewarm] }].flatMap(
      ({ tasks }) => tasks,
    ),
    records: database.tasks,
    owner: id,
    readOnlyReason: pauseReason,
    log,
    now,
  });
  const traffic = new TrafficSampler({
    traffic: database.traffic,
    readTotals: () => metrics.readTrafficTotals(),
    readOnlyReason: pauseReason,
    log,
  });
  const auth = await createAuth({ ...common, oidcClientSecret: secrets.oidcClientSecret });
  const externalRegistry = await createExternalRegistry(common);
  opened.defer(() => externalRegistry?.client.close());
  const services = createManagement({
    ...common,
    auth,
    externalRegistry,
    hosted,
    virtual,
    webhooks,
    wake: (task) => scheduler.wake(task),
    wakeCollector: () => collection.worker.wake(),
    recordTraffic: () => traffic.flush(),
    listFills: async () => cluster?.listFills(virtual.listFills()) ?? virtual.listFills(),
  });
  const operations = createOperations({ ...common, debugToken: secrets.debugToken, readOnlyReason });
  const { probes } = operations;
  const http = createHttp({
    ...common,
    hosted,
    virtual,
    auth,
    services,
    maintenance: settings,
    pullEvents: webhooks.pulls,
    probes,
  });

  const parts = opened.move();
  const traced = (handler: RequestListener) => tracing?.around(handler) ?? handler;
  return {
    handler: traced(http.handler),
    mirrorHandlerOf: (mirror) => traced(http.mirrorHandlerOf(mirror)),
    operationsHandler: operations.handler,
    clusterHandler:
      cluster && traced(cluster.handlerOf(virtual.fills, virtual.findUpstream, virtual.listFills)),
    async start(announce) {
      await prepareFirstStart({ database, passwords, ...secrets, announce });
      await warnOfIdleMirrors(config, database, log);
      for (const upstream of await database.upstreams.listUnverified()) warnOfUnverified(log, upstream);
      await heartbeat.start();
      await cluster?.start();
      await scheduler.start();
      await webhooks.start();
      traffic.start();
      collection.worker.start();
    },
    async close(limit) {
      // Also where one of the others fails.
      await using _ = parts;
      await Promise.all([scheduler.close(), collection.worker.close()]);
      await webhooks.close();
      await hosted.close();
      retention.room.close();
      await virtual.close(limit);
      await cluster?.close();
      await auth.close();
      await traffic.close();
      await heartbeat.close();
      await reads.close();
    },
  };
}

/** Its packages are loaded where it is on. */
async function startTracing({ tracing }: Config, id: string): Promise<Tracing | undefined> {
  if (tracing.endpoint === undefined) return undefined;
  const { traceTo } = await import('./tracing/open-telemetry.ts');
  return traceTo(tracing.endpoint, tracing.percent, id);
}
