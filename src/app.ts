/** Builds the server from its configuration: stores, then services, then HTTP. The only place where everything meets. */
import { mkdir } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import Koa from 'koa';
import { RegistryAccess } from './api/access.ts';
import { answerErrors } from './api/errors.ts';
import { operationsRoutes, probeRoutes } from './api/operations.ts';
import { createRegistryRouter } from './api/registry/router.ts';
import { receiveRequests } from './api/requests.ts';
import { createRestRouter } from './api/rest/rest-router.ts';
import { Listener } from './api/server.ts';
import type { RequestState } from './api/state.ts';
import type { TlsFiles } from './api/tls-files.ts';
import { tokenRoutes } from './api/token.ts';
import { Authenticator } from './auth/authenticate.ts';
import { Passwords } from './auth/passwords.ts';
import { RegistryTokens } from './auth/registry-tokens.ts';
import { RecordedRepositoryRights } from './auth/repository-rights.ts';
import { SecretBox } from './auth/secret-box.ts';
import { SigningKeys } from './auth/signing-keys.ts';
import { createSharedCache } from './cache/shared.ts';
import type { Config } from './config.ts';
import { databaseFile } from './data-directory.ts';
import { createHosting } from './hosting.ts';
import type { Log } from './log.ts';
import { AccessTokenService } from './management/access-tokens.ts';
import { AssociationService } from './management/associations.ts';
import { AuditTrail } from './management/audit.ts';
import { CacheEntryService } from './management/cache-entries.ts';
import { CatalogService } from './management/catalog.ts';
import { ConnectionTestService } from './management/connection-tests.ts';
import { type FirstStart, prepareFirstStart } from './management/first-start.ts';
import { GroupService } from './management/groups.ts';
import { MaintenanceMode } from './management/maintenance.ts';
import { MemberService } from './management/members.ts';
import { ProjectService } from './management/projects.ts';
import { UpstreamSecrets } from './management/upstream-settings.ts';
import { UpstreamService } from './management/upstreams.ts';
import { UserService } from './management/users.ts';
import { VirtualRegistryService } from './management/virtual-registries.ts';
import { openDatabase } from './metadata/database.ts';
import { createMetrics } from './metrics.ts';
import { isVirtualName } from './oci/reference.ts';
import { createPulls } from './pulls.ts';
import type { Secrets } from './secrets.ts';
import { FilesystemBlobStore } from './storage/filesystem-blob-store.ts';
import { FilesystemUploadStore } from './storage/filesystem-upload-store.ts';
import { findBlockedLiteral, privateNetworks } from './upstreams/address-guard.ts';
import { UpstreamPool } from './upstreams/upstream-pool.ts';
import { version } from './version.ts';

export interface App {
  /** What must be shown once; undefined on every start but the first. */
  readonly firstStart: FirstStart | undefined;
  /** Starts to accept requests. */
  listen(): Promise<{ readonly url: string; readonly operationsUrl: string | undefined }>;
  /** Stops accepting, lets transfers end up to the limit, records what was counted. */
  close(): Promise<void>;
}

/** @param now epoch milliseconds */
export async function createApp(
  config: Config,
  secrets: Secrets,
  log: Log,
  now: () => number = Date.now,
): Promise<App> {
  await mkdir(config.dataDirectory, { recursive: true });
  const database = await openDatabase({
    url: config.database.url,
    file: databaseFile(config.dataDirectory),
    log,
    now,
  });
  const blobDirectory = config.storage.directory ?? join(config.dataDirectory, 'blobs');
  const store = new FilesystemBlobStore(blobDirectory);
  const uploads = new FilesystemUploadStore(blobDirectory);
  const swept = await store.sweepSpools();
  if (swept > 0) log.warn({ spools: swept }, 'removed what an earlier process left in the spool');

  const metrics = createMetrics();
  const passwords = new Passwords();
  const secretBox = new SecretBox(secrets.key);
  const firstStart = await prepareFirstStart({ database, passwords, ...secrets });
  const shared = await createSharedCache(config.sharedCache.url, log);
  const upstreams = new UpstreamPool({ ...upstreamOptions(config), observer: metrics.upstreams, log, now });
  const upstreamSecrets = new UpstreamSecrets(secretBox);
  const maintenance = new MaintenanceMode({ database, readOnly: config.maintenance.readOnly, now });
  const readOnlyReason = () => maintenance.readOnlyReason();
  const hosting = createHosting({ config, database, store, uploads, readOnlyReason, log, now });
  const pulls = createPulls({
    findHosted: (groupPath, name) => hosting.repositories.findVisibleFrom(groupPath, name),
    config,
    database,
    store,
    shared,
    upstreams,
    secrets: upstreamSecrets,
    observer: metrics.fills,
    log,
    now,
  });

  const authenticator = new Authenticator({ ...database, passwords, log, now });
  const keys = new SigningKeys({ records: database.signingKeys, secretBox, now });
  await keys.current(); // says at once where the secret key is another one
  const registryTokens = new RegistryTokens({ keys, lifetimeSeconds: config.auth.tokenSeconds, now });
  const isLoginRequired = config.auth.required;
  if (!isLoginRequired) log.warn({}, 'auth.required is false: whoever reaches /v2 may pull, push and delete');
  const rights = new RecordedRepositoryRights({ ...database, isLoginRequired, now });

  const caches = { forgetGroup: () => pulls.registries.forgetAll() };
  const { maxPerGroup, maxUpstreams } = config.virtualRegistries;
  const common = { database, caches, now };
  const rest = createRestRouter({
    authenticator,
    accessTokens: new AccessTokenService(common),
    associations: new AssociationService({ ...common, maxUpstreams }),
    auditTrail: new AuditTrail(database),
    cacheEntries: new CacheEntryService(common),
    connectionTests: new ConnectionTestService({ ...common, secrets: upstreamSecrets, tester: upstreams }),
    groups: new GroupService(common),
    maintenance,
    members: new MemberService(common),
    projects: new ProjectService({ database }),
    upstreams: new UpstreamService({
      ...common,
      maxUpstreams,
      secrets: upstreamSecrets,
      findBlockedAddress: (host, allowPrivateNetwork) => {
        const networks = [
          ...config.upstreams.allowedNetworks,
          ...(allowPrivateNetwork ? privateNetworks : []),
        ];
        return findBlockedLiteral(host, networks)?.message;
      },
    }),
    users: new UserService({ database, passwords }),
    virtualRegistries: new VirtualRegistryService({ ...common, explainer: pulls.explainer, maxPerGroup }),
    healthOf: (id) => upstreams.healthOf(id),
    version: { version, revision: undefined },
    maxUpstreams,
    now,
  });

  const probes = probeRoutes({
    checks: { database: () => database.check(), storage: () => store.check() },
    log,
  });
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
      access: new RegistryAccess({ authenticator, registryTokens, rights, isLoginRequired }),
      catalog: new CatalogService({ ...database, isLoginRequired }),
      maintenance,
      observer: metrics.registry,
      maxManifestBytes: config.hosted.maxManifestBytes,
    }),
  );
  koa.use(tokenRoutes({ authenticator, registryTokens, rights }).routes());
  koa.use(rest);
  koa.use(probes);
  const operations = new Koa();
  operations.use(probes);
  operations.use(operationsRoutes({ metrics }));

  const listeners: Listener[] = [];
  const shutdownMs = config.http.shutdownSeconds * 1000;
  const open = async (address: string, handler: RequestListener, tls?: TlsFiles): Promise<string> => {
    const listener = await Listener.open({ address, handler, tls, shutdownMs, log });
    listeners.push(listener);
    return listener.url;
  };
  return {
    firstStart,
    async listen() {
      const { certificate, key } = config.http.tls;
      const tls = certificate !== undefined && key !== undefined ? { certificate, key } : undefined;
      const url = await open(config.http.address, koa.callback(), tls);
      hosting.expiry.start();
      const { address } = config.operations;
      return {
        url,
        operationsUrl: address === undefined ? undefined : await open(address, operations.callback()),
      };
    },
    async close() {
      const limit = AbortSignal.timeout(shutdownMs);
      await Promise.all(listeners.map((listener) => listener.close()));
      await hosting.expiry.close();
      await hosting.repositories.close();
      await pulls.fills.close(limit);
      await upstreams.close();
      await pulls.usage.close();
      await shared.close();
      await store.close();
      await database.close();
    },
  };
}

function upstreamOptions({ upstreams }: Config) {
  return {
    userAgent: `entrepot/${version}`,
    maxConnections: upstreams.maxConnections,
    connectMs: upstreams.connectSeconds * 1000,
    firstByteMs: upstreams.firstByteSeconds * 1000,
    probeMs: upstreams.probeSeconds * 1000,
    idleMs: upstreams.idleSeconds * 1000,
    breakerFailures: upstreams.breakerFailures,
    breakerMs: upstreams.breakerSeconds * 1000,
    allowedNetworks: upstreams.allowedNetworks,
    tokenHosts: upstreams.tokenHosts,
  };
}
