/** Builds the server from its configuration: stores, then services, then HTTP. The only place where everything meets. */
import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import Koa from 'koa';
import { answerErrors } from '../api/errors.ts';
import { docsPage } from '../api/operations/docs-page.ts';
import { answerTheRest } from '../api/operations/front-page.ts';
import { operationsRoutes, probeRoutes } from '../api/operations/operations.ts';
import { Readiness } from '../api/operations/readiness.ts';
import { createRegistryRouter } from '../api/registry/router.ts';
import { receiveRequests } from '../api/requests.ts';
import { createRestRouter } from '../api/rest/rest-router.ts';
import { signInRoutes } from '../api/sign-in/sign-in.ts';
import type { RequestState } from '../api/state.ts';
import { keyRoutes } from '../api/tokens/keys.ts';
import { oauthTokenRoutes } from '../api/tokens/oauth-token.ts';
import { tokenRoutes } from '../api/tokens/token.ts';
import { Passwords } from '../auth/credentials/passwords.ts';
import { SecretBox } from '../auth/credentials/secret-box.ts';
import { createSharedCache } from '../cache/shared.ts';
import type { Config } from '../config/config.ts';
import { databaseFile } from '../config/data-directory.ts';
import { type FirstStart, prepareFirstStart } from '../management/people/first-start.ts';
import { UpstreamSecrets } from '../management/registries/upstream-settings.ts';
import { MaintenanceMode } from '../management/server/maintenance.ts';
import { openDatabase } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { isVirtualName } from '../oci/reference.ts';
import { JsonDocuments } from '../outbound/json-documents.ts';
import { makeDirectory } from '../storage/directories.ts';
import { createSpaceReserve } from '../storage/space-reserve.ts';
import { fromStorage } from '../storage/unavailable-storage.ts';
import { UpstreamPool } from '../upstreams/upstream-pool.ts';
import { createSignIn } from './auth.ts';
import { createCollectorWorker, reviewDelayOf } from './collector.ts';
import { ownDataDirectory } from './data-directory-owner.ts';
import { createGitlabApi } from './gitlab-api.ts';
import { createHosting } from './hosted-registry.ts';
import { createRestServices } from './management.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createChecks } from './operations.ts';
import { createCacheLimits } from './retention.ts';
import { createScrubbing } from './scrubbing.ts';
import type { Secrets } from './secrets.ts';
import { createStores, watchStores } from './storage.ts';
import { createScheduler } from './tasks.ts';
import { upstreamOptions } from './upstream-options.ts';
import { createPulls } from './virtual-registries.ts';
import { createNotifications } from './webhooks.ts';

export interface App {
  /** For clients. */
  readonly handler: RequestListener;
  /** For those who run it. */
  readonly operationsHandler: RequestListener;
  /** Makes what an installation begins with, and starts to work in the background. From then on requests may come. */
  start(announce: (first: FirstStart) => Promise<void>): Promise<void>;
  /** When requests come no more: ends what goes on, fills at the limit at the latest, and records what was counted. */
  close(limit: AbortSignal): Promise<void>;
}

/** @param now epoch milliseconds */
export async function createApp(
  config: Config,
  secrets: Secrets,
  log: Log,
  now: () => number = Date.now,
): Promise<App> {
  await makeDirectory(config.dataDirectory);
  const owner = config.database.url === undefined ? await ownDataDirectory(config.dataDirectory) : undefined;
  const reserve = createSpaceReserve(config, log);
  const database = await openDatabase({
    url: config.database.url,
    file: databaseFile(config.dataDirectory),
    log,
    now,
    reviewDelayMs: reviewDelayOf(config),
    giveUpSpace: () => reserve?.giveUp() ?? false,
  });
  const stores = createStores(config, database, log);
  const { identity, store, uploads, inventory } = stores;
  const stopWatching = await watchStores(stores, log);

  const metrics = createMetrics(() => database.webhookDeliveries.countPending());
  const passwords = new Passwords();
  const secretBox = new SecretBox(secrets.key);
  const shared = await createSharedCache(config.sharedCache.url, log);
  const upstreams = new UpstreamPool({ ...upstreamOptions(config), observer: metrics.upstreams, log, now });
  const upstreamSecrets = new UpstreamSecrets(secretBox);
  const maintenance = new MaintenanceMode({ database, readOnly: config.maintenance.readOnly, now });
  const readOnlyReason = () => maintenance.readOnlyReason();
  const pauseReason = async () => (await readOnlyReason()) ?? identity.fault;
  const common = { config, database, log, now };
  const hosting = createHosting({ ...common, store, uploads });
  const limits = createCacheLimits({
    ...common,
    metrics: metrics.cache,
    wake: (task) => scheduler.wake(task),
    onEvicted: () => collector.wake(),
  });
  const notifications = createNotifications({
    ...common,
    secretBox,
    secret: secrets.webhookSecret,
    observer: metrics.webhooks,
    readOnlyReason,
  });
  const { pulls: pullEvents, expiry: deliveryExpiry } = notifications;
  const collector = createCollectorWorker({ ...common, store, readOnlyReason: pauseReason, metrics });
  const pulls = createPulls({
    ...common,
    findHosted: (groupPath, name) => hosting.repositories.findVisibleFrom(groupPath, name),
    store,
    shared,
    upstreams,
    secrets: upstreamSecrets,
    observer: metrics.fills,
    room: limits.room,
    demandRoom: (bytes) => stores.space.demand(bytes),
  });
  const cacheTasks = limits.tasksOf(() => pulls.usage.flush());
  const { heal } = pulls;
  const scrubbing = createScrubbing({ ...common, store, inventory, heal, observer: metrics.scrub });
  const scheduler = createScheduler({
    ...hosting,
    ...scrubbing,
    cacheTasks,
    deliveryExpiry,
    database,
    readOnlyReason: pauseReason,
    log,
    now,
  });

  const documents = new JsonDocuments(upstreamOptions(config));
  const fetchJson = (url: URL, signal: AbortSignal) => documents.fetch(url, signal);
  const signIn = await createSignIn({
    ...common,
    shared,
    passwords,
    secretBox,
    oidcClientSecret: secrets.oidcClientSecret,
    fetchJson,
    postForm: (url, form, signal) => documents.post(url, form, signal),
  });
  const { authenticator, registryTokens, rights, grantMetas, guards, idTokens, keys, sessions } = signIn;
  const services = createRestServices({
    authenticator,
    maintenance,
    rateLimit: guards.rateLimit,
    sessions,
    ...common,
    passwords,
    secretBox,
    upstreams,
    explainer: pulls.explainer,
    images: hosting.imageFacts,
    imageDetails: hosting.imageDetails,
    rules: hosting.rules,
    wake: (task) => scheduler.wake(task),
    wakeCollector: () => collector.wake(),
    notifications,
    forgetAll: () => pulls.registries.forgetAll(),
  });

  const checks = createChecks({ database, stores, shared, readOnlyReason, now });
  const readiness = new Readiness({ checks, log });
  metrics.checks.watch(() => readiness.results());
  const probes = probeRoutes(readiness);
  const koa = new Koa<RequestState>();
  koa.on('error', (error: unknown) => log.debug({ err: error }, 'a client went away'));
  koa.use(receiveRequests({ log, observer: metrics.requests, ...config.http, now: () => performance.now() }));
  koa.use(answerErrors);
  koa.use(
    createRegistryRouter({
      repositories: {
        find: (name) => (isVirtualName(name) ? pulls.registries : hosting.repositories).find(name),
        getWritable: (name, writer) => hosting.repositories.getWritable(name, writer),
      },
      access: signIn.access,
      catalog: signIn.catalog,
      maintenance,
      pullEvents,
      denials: guards.signIns,
      observer: metrics.registry,
      maxManifestBytes: config.hosted.maxManifestBytes,
    }),
  );
  koa.use(
    createGitlabApi({
      ...common,
      ...signIn,
      inventory: hosting.inventory,
      tagPatterns: hosting.rules.tagPatterns,
      maintenance,
      forgetAll: () => pulls.registries.forgetAll(),
    }),
  );
  koa.use(
    tokenRoutes({
      authenticator,
      registryTokens,
      rights,
      grantMetas,
      observer: guards.signIns,
    }).routes(),
  );
  koa.use(oauthTokenRoutes({ idTokens, jobTokens: services.jobTokens, maintenance, now }).routes());
  koa.use(signInRoutes({ signIn: signIn.people, sessions }).routes());
  koa.use(guards.denials);
  koa.use(docsPage((path) => fromStorage(readFile(path))));
  koa.use(createRestRouter(services));
  koa.use(keyRoutes({ keys }));
  koa.use(probes);
  koa.use(answerTheRest);
  const operations = new Koa();
  operations.on('error', (error: unknown) => log.error({ err: error }, 'the operations address failed'));
  operations.use(probes);
  operations.use(operationsRoutes({ metrics }));

  return {
    handler: koa.callback(),
    operationsHandler: operations.callback(),
    async start(announce) {
      await prepareFirstStart({ database, passwords, ...secrets, announce });
      await scheduler.start();
      await notifications.start();
      collector.start();
    },
    async close(limit) {
      await Promise.all([scheduler.close(), collector.close()]);
      await notifications.close();
      await hosting.repositories.close();
      await hosting.pulls.close();
      limits.room.close();
      await pulls.fills.close(limit);
      await Promise.all([upstreams.close(), documents.close()]);
      await Promise.all([pulls.usage.close(), pulls.counts.close()]);
      await guards.close();
      await shared.close();
      await Promise.all([stopWatching(), reserve?.close()]);
      await store.close();
      await database.close();
      owner?.close();
    },
  };
}
