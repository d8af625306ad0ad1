/** What clients are answered: each address and its routes, in the order in which they are asked. */
import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import Koa, { type Middleware } from 'koa';
import { answerErrors } from '../api/errors.ts';
import { TrustedProxies } from '../api/forwarded.ts';
import { createGitlabRouter } from '../api/gitlab/router.ts';
import { type FindMirror, type Mirror, mirrorsByHost } from '../api/mirrors.ts';
import { docsPage } from '../api/operations/docs-page.ts';
import { answerTheRest } from '../api/operations/front-page.ts';
import { builtPage, webPage } from '../api/operations/web-page.ts';
import { createRegistryRouter } from '../api/registry/router.ts';
import type { RegistryOptions } from '../api/registry/services.ts';
import { answerWarmPulls, type WarmContent } from '../api/registry/warm-pulls.ts';
import { Requests } from '../api/requests.ts';
import { createRestRouter, type RestServices } from '../api/rest/rest-router.ts';
import { signInRoutes } from '../api/sign-in/sign-in.ts';
import type { RequestState } from '../api/state.ts';
import { answerTokens } from '../api/tokens/early-tokens.ts';
import { keyRoutes } from '../api/tokens/keys.ts';
import { oauthTokenRoutes } from '../api/tokens/oauth-token.ts';
import { tokenRoutes } from '../api/tokens/token.ts';
import type { Config } from '../config/config.ts';
import type { MirrorSetting } from '../config/mirror-settings.ts';
import { RegistryStatistics } from '../management/namespaces/registry-statistics.ts';
import { RepositoryRenames } from '../management/repositories/repository-renames.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { isVirtualName } from '../oci/reference.ts';
import { registryHostOf } from '../oci/registry-host.ts';
import { fromStorage } from '../storage/unavailable-storage.ts';
import type { Auth } from './auth.ts';
import type { HostedRegistry } from './hosted-registry.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { VirtualRegistries } from './virtual-registries.ts';

export interface HttpParts {
  readonly config: Config;
  readonly database: Database;
  readonly hosted: HostedRegistry;
  readonly virtual: VirtualRegistries;
  readonly auth: Auth;
  readonly services: RestServices;
  readonly maintenance: RegistryOptions['maintenance'];
  readonly pullEvents: RegistryOptions['pullEvents'];
  readonly metrics: Metrics;
  /** Of operations, which clients may ask, too. */
  readonly probes: Middleware;
  readonly log: Log;
  readonly tracing: Tracing | undefined;
  readonly now: () => number;
}

export interface HttpHandlers {
  readonly handler: RequestListener;
  /** For the address of a mirror. */
  readonly mirrorHandlerOf: (mirror: MirrorSetting) => RequestListener;
}

export function createHttp(parts: HttpParts): HttpHandlers {
  const { config, auth, services, maintenance, metrics, probes, log, tracing, now } = parts;
  const { guards, sessions } = auth;
  const koa = new Koa<RequestState>();
  koa.on('error', (error: unknown) => log.debug({ err: error }, 'a client went away'));
  const clock = () => performance.now();
  const { requests: logged } = config.log;
  const requests = new Requests({
    log,
    logged,
    observer: metrics.requests,
    ...config.http,
    now: clock,
    traceId: tracing?.traceId,
  });
  koa.use(requests.middleware);
  koa.use(answerErrors);
  koa.use(createV2(parts));
  const tokens = { ...auth, observer: guards.signIns };
  koa.use(tokenRoutes(tokens).routes());
  // At a mirror there are images, and tokens for them.
  koa.use((ctx, next) => (ctx.state.mirror ? answerTheRest(ctx, next) : next()));
  koa.use(createGitlab(parts));
  koa.use(
    oauthTokenRoutes({ idTokens: auth.idTokens, jobTokens: services.jobTokens, maintenance, now }).routes(),
  );
  koa.use(signInRoutes({ signIn: auth.people, sessions }).routes());
  koa.use(guards.denials);
  koa.use(docsPage((path) => fromStorage(readFile(path))));
  koa.use(createRestRouter(services));
  koa.use(keyRoutes({ keys: auth.keys }));
  koa.use(probes);
  if (config.http.page) koa.use(webPage(builtPage));
  koa.use(answerTheRest);
  const warm = {
    requests,
    access: auth.access,
    content: warmContent(parts),
    observer: metrics.registry,
  };
  const answer = koa.callback();
  const handlerAt = (findMirror: FindMirror) => {
    const pulls = answerWarmPulls({ ...warm, findMirror }, answer);
    return answerTokens({ requests, tokens, findMirror }, answer, pulls);
  };
  const byHost = config.mirrors.flatMap((each) =>
    each.host === undefined ? [] : [[each.host, mirrorOf(each)] as const],
  );
  return {
    handler: handlerAt(mirrorsByHost(new Map(byHost), new TrustedProxies(config.http.trustedProxies))),
    mirrorHandlerOf(setting) {
      const mirror = mirrorOf(setting);
      return handlerAt(() => mirror);
    },
  };
}

/** Tells of mirrors of virtual registries that are not there, which may yet be made. */
export async function warnOfIdleMirrors(
  { mirrors }: Config,
  { virtualRegistries }: Pick<Database, 'virtualRegistries'>,
  log: Log,
): Promise<void> {
  for (const { registry, host, address } of mirrors)
    if (!(await virtualRegistries.find(registry)))
      log.warn({ registry, host, address }, 'there is no virtual registry of this number to be mirrored');
}

function mirrorOf({ registry, anonymous, standsFor }: MirrorSetting): Mirror {
  return { registryId: registry, isAnonymous: anonymous, standsFor: new Set(standsFor.map(registryHostOf)) };
}

function warmContent({
  virtual: { registries },
  hosted: { repositories },
  pullEvents,
}: HttpParts): WarmContent {
  return {
    findManifest(name, reference, isPull, choice) {
      if (isVirtualName(name)) return registries.hotManifest(name, reference, isPull, choice);
      // Whoever is told of pulls wants to know more of them.
      return pullEvents?.areWanted ? undefined : repositories.findManifest(name, reference, isPull);
    },
    findBlob(name, digest, isPull, choice) {
      if (isVirtualName(name)) return registries.hotBlob(name, digest, isPull, choice);
      // A client that is told that a blob is here relies on its staying for a while, which takes more.
      return isPull && !pullEvents?.areWanted ? repositories.findBlob(name, digest) : undefined;
    },
  };
}

function createV2({ config, hosted, virtual, auth, maintenance, pullEvents, metrics }: HttpParts) {
  return createRegistryRouter({
    repositories: {
      find: (name, choice, mayPush) =>
        isVirtualName(name) ? virtual.registries.find(name, choice) : hosted.repositories.find(name, mayPush),
      getWritable: (name, writer) => hosted.repositories.getWritable(name, writer),
    },
    access: auth.access,
    catalog: auth.catalog,
    maintenance,
    pullEvents,
    denials: auth.guards.signIns,
    observer: metrics.registry,
    mayRedirect: (name) => config.virtualRegistries.redirect || !isVirtualName(name),
    maxManifestBytes: config.hosted.maxManifestBytes,
  });
}

/** What GitLab's container registry answers beside /v2. */
function createGitlab({ database, hosted, virtual, auth, services, maintenance, now }: HttpParts) {
  const caches = { forgetGroup: () => virtual.registries.forgetAll() };
  return createGitlabRouter({
    access: auth.access,
    inventory: hosted.inventory,
    maintenance,
    offReason: () => services.applicationSettings.offReason('hosted'),
    renames: new RepositoryRenames({
      database,
      rights: auth.rights,
      principals: auth.principals,
      tagPatterns: hosted.rules.tagPatterns,
      caches,
      now,
    }),
    statistics: new RegistryStatistics(auth.principals),
  });
}
