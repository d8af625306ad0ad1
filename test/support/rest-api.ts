/**
 * /api/v4 over HTTP on port 0, on a real database; upstreams and explanations are what a test says they are, and so are the
 * tokens of its users beside those that were made.
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import Koa from 'koa';
import { onTestFinished } from 'vitest';
import { createRestRouter } from '../../src/api/rest/rest-router.ts';
import type { RequestState } from '../../src/api/state.ts';
import { Authenticator } from '../../src/auth/credentials/authenticate.ts';
import { Passwords } from '../../src/auth/credentials/passwords.ts';
import { SecretBox } from '../../src/auth/credentials/secret-box.ts';
import type { UserIdentity } from '../../src/auth/rights/identity.ts';
import { SigningKeys } from '../../src/auth/tokens/signing-keys.ts';
import { AuditTrail } from '../../src/management/acting/audit.ts';
import { Names } from '../../src/management/acting/names.ts';
import { SignaturePolicyService } from '../../src/management/admission/signature-policies.ts';
import { CacheEntryService } from '../../src/management/caches/cache-entries.ts';
import { CachePinService } from '../../src/management/caches/cache-pins.ts';
import { CacheRetentionService } from '../../src/management/caches/cache-retention.ts';
import { GroupCacheService } from '../../src/management/caches/group-caches.ts';
import { PrewarmService } from '../../src/management/caches/prewarms.ts';
import { CleanupPreviewService } from '../../src/management/cleanup/cleanup-previews.ts';
import { CleanupRunService } from '../../src/management/cleanup/cleanup-runs.ts';
import { GroupService } from '../../src/management/namespaces/groups.ts';
import { NamespaceService } from '../../src/management/namespaces/namespaces.ts';
import { ProjectService } from '../../src/management/namespaces/projects.ts';
import { TransferService } from '../../src/management/namespaces/transfers.ts';
import { MemberService } from '../../src/management/people/members.ts';
import { UserService } from '../../src/management/people/users.ts';
import { ProtectionRuleService } from '../../src/management/protection/protection-rules.ts';
import { AssociationService } from '../../src/management/registries/associations.ts';
import { ConnectionTestService } from '../../src/management/registries/connection-tests.ts';
import { QuarantinePreviewService } from '../../src/management/registries/quarantine-previews.ts';
import { UpstreamSecrets } from '../../src/management/registries/upstream-settings.ts';
import { UpstreamService } from '../../src/management/registries/upstreams.ts';
import { VirtualRegistryService } from '../../src/management/registries/virtual-registries.ts';
import { ReplicationService } from '../../src/management/replication/replication-rules.ts';
import { DeletedTagService } from '../../src/management/repositories/deleted-tags.ts';
import { ExternalImageService } from '../../src/management/repositories/external-images.ts';
import { RepositoryService } from '../../src/management/repositories/repositories.ts';
import { RepositoryTagService } from '../../src/management/repositories/repository-tags.ts';
import { TagDeletionService } from '../../src/management/repositories/tag-deletions.ts';
import { TagImageService } from '../../src/management/repositories/tag-images.ts';
import {
  ApplicationSettings,
  type ConfiguredSettings,
} from '../../src/management/server/application-settings.ts';
import { GarbageService } from '../../src/management/server/garbage.ts';
import { ProcessService } from '../../src/management/server/processes.ts';
import { StatisticsService } from '../../src/management/server/statistics.ts';
import { StorageFindingService } from '../../src/management/server/storage-findings.ts';
import { TaskService } from '../../src/management/server/tasks.ts';
import { ClientSetupService } from '../../src/management/setup/client-setups.ts';
import { AccessTokenService } from '../../src/management/tokens/access-tokens.ts';
import { DeployTokenService } from '../../src/management/tokens/deploy-tokens.ts';
import { JobTokenService } from '../../src/management/tokens/job-tokens.ts';
import { OidcTrustService } from '../../src/management/tokens/oidc-trusts.ts';
import { PlaceAccessTokenService } from '../../src/management/tokens/place-access-tokens.ts';
import { SigningKeyService } from '../../src/management/tokens/signing-keys.ts';
import { WebhookSecrets } from '../../src/management/webhooks/webhook-secrets.ts';
import { type ResendResult, WebhookService } from '../../src/management/webhooks/webhooks.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import type { User } from '../../src/metadata/people/users.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { findBlockedLiteral, privateNetworks } from '../../src/outbound/address-guard.ts';
import type { PullExplanation } from '../../src/proxy/pull-explanation.ts';
import { findPinnedBytes } from '../../src/retention/pinned-bytes.ts';
import type { ConnectionTest } from '../../src/upstreams/test-connection.ts';
import type { UpstreamHealth, UpstreamSettings } from '../../src/upstreams/upstream.ts';
import { findBlockedWebhook } from '../../src/webhooks/webhook-sender.ts';
import { changeRules } from './change-rules.ts';
import { silentLog } from './silent-log.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever comes back
  readonly body: any;
}

/** A user with the token `<username>-token`, good for everything unless `scopes` says otherwise. */
export interface TestUser {
  readonly id: number;
  readonly token: string;
}

export interface RestApiOptions extends Partial<ConfiguredSettings> {
  readonly deleteEnabled?: boolean;
  readonly hasPersonalNamespaces?: boolean;
}

export class RestApi {
  readonly database: Database;
  readonly secrets = new UpstreamSecrets(new SecretBox(Buffer.alloc(32, 7)));
  /** Of top-level groups whose caches were dropped, in order. */
  readonly forgotten: number[] = [];
  readonly tested: { readonly settings: UpstreamSettings; readonly path: string }[] = [];
  readonly health = new Map<number, UpstreamHealth>();
  readonly allowedNetworks: string[] = [];
  /** What the operator says of clouds. */
  readonly clouds = { ambientHosts: [] as string[], cloudEndpoints: [] as string[] };
  /** Tasks that were to run soon, in order. */
  readonly woken: string[] = [];
  /** Whether anything may be deleted from hosted repositories. */
  deleteEnabled = true;
  /** How endpoints of webhooks take what is sent again; undefined: they are told nothing. */
  resent: ResendResult | undefined;
  testResult: ConnectionTest = { success: true };
  explanation: PullExplanation | undefined;
  readonly #identities = new Map<string, UserIdentity>();
  #url = '';

  /** Of blobs, as they are found when somebody asks. */
  readonly sha1s = new Map<Digest, string>();

  private constructor(database: Database) {
    this.database = database;
  }

  /**
   * Ends with the test. Where another one has been started on the same database, its root is this one's too.
   * @param clock what the database takes for the time, too
   */
  static async start(
    database: Database,
    clock: { readonly now: number },
    { deleteEnabled = true, hasPersonalNamespaces = false, ...configured }: RestApiOptions = {},
  ): Promise<RestApi> {
    const api = new RestApi(database);
    api.deleteEnabled = deleteEnabled;
    const app = new Koa<RequestState>({ proxy: false });
    app.silent = true;
    app.use(async (ctx, next) => {
      ctx.state.log = silentLog;
      ctx.state.address = '192.0.2.7';
      ctx.state.externalUrl = 'https://registry.example';
      await next();
    });
    app.use(api.#router(() => clock.now, configured, hasPersonalNamespaces));
    const server = createServer(app.callback());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    api.#url = `http://127.0.0.1:${address.port}/api/v4`;
    const root = await database.users.findByUsername('root');
    if (root) api.#know(root, ['api']);
    else await api.createUser('root', { isAdmin: true });
    return api;
  }

  #router(now: () => number, configured: Partial<ConfiguredSettings>, hasPersonalNamespaces: boolean) {
    const { database, secrets } = this;
    const caches = { forgetGroup: (groupId: number) => this.forgotten.push(groupId) };
    const explainer = {
      explain: async () => {
        if (!this.explanation) throw new Error('the test has no explanation');
        return this.explanation;
      },
    };
    const tester = {
      test: async (settings: UpstreamSettings, path: string) => {
        this.tested.push({ settings, path });
        return this.testResult;
      },
    };
    const findBlockedAddress = (host: string, allowPrivateNetwork: boolean) =>
      findBlockedLiteral(host, [...this.allowedNetworks, ...(allowPrivateNetwork ? privateNetworks : [])])
        ?.message;
    const maxUpstreams = 5;
    const common = { database, caches };
    const rules = changeRules({ deleteEnabled: this.deleteEnabled });
    const hosted = { database, rules, wake: (task: string) => void this.woken.push(task), now };
    const passwords = new Passwords();
    const settings = new ApplicationSettings({
      database,
      configured: {
        isReadOnly: false,
        isHostedEnabled: true,
        isVirtualEnabled: true,
        defaultAccessLevel: 'enabled',
        tokenMs: 300_000,
        ...configured,
      },
      forgetRegistries: () => caches.forgetGroup(0),
      now,
    });
    const recorded = new Authenticator({ ...database, passwords, log: silentLog, now });
    return createRestRouter({
      authenticator: {
        authenticate: async (credentials, address) =>
          (credentials.kind === 'token' ? this.#identities.get(credentials.token) : undefined) ??
          recorded.authenticate(credentials, address),
      },
      accessTokens: new AccessTokenService({ database, now }),
      applicationSettings: settings,
      names: new Names(database),
      associations: new AssociationService({ ...common, maxUpstreams }),
      auditTrail: new AuditTrail(database),
      cacheEntries: new CacheEntryService({ ...common, sha1s: { find: async () => this.sha1s } }),
      cachePins: new CachePinService({ database }),
      cacheRetention: new CacheRetentionService({ database, now }),
      cleanupPreviews: new CleanupPreviewService(hosted),
      cleanupRuns: new CleanupRunService(hosted),
      clientSetups: new ClientSetupService({ database, mirrors: [], hasTls: false }),
      connectionTests: new ConnectionTestService({ database, secrets, tester, clouds: this.clouds }),
      deletedTags: new DeletedTagService(hosted),
      deployTokens: new DeployTokenService({ database, now }),
      externalImages: new ExternalImageService({
        database,
        rules: hosted.rules,
        tokens: { issue: async () => Promise.reject(new Error('there is no external registry')) },
        registry: undefined,
      }),
      groupCaches: new GroupCacheService({
        database,
        findPinnedBytes: (groupId) => findPinnedBytes(database, groupId),
      }),
      groups: new GroupService(common),
      jobTokens: new JobTokenService({ database, now }),
      garbage: new GarbageService({ database, wakeCollector: () => undefined }),
      tasks: new TaskService({ database }),
      members: new MemberService({ database, now }),
      namespaces: new NamespaceService({ database }),
      oidcTrusts: new OidcTrustService({ database, allowHttp: false, findBlockedAddress }),
      placeAccessTokens: new PlaceAccessTokenService({ database, now }),
      prewarms: new PrewarmService(hosted),
      quarantinePreviews: new QuarantinePreviewService({ database, secrets, judge: async () => [] }),
      replication: new ReplicationService({ ...hosted, secrets, findBlockedAddress }),
      processes: new ProcessService({ database }),
      statistics: new StatisticsService({
        database,
        recordTraffic: async () => undefined,
        listFills: async () => [],
      }),
      projects: new ProjectService({ ...common, settings, hasPersonalNamespaces, now }),
      signaturePolicies: new SignaturePolicyService({ database, forgetPolicies: () => undefined }),
      signingKeys: new SigningKeyService({
        database,
        keysOf: ({ signingKeys: records }) =>
          new SigningKeys({
            records,
            secretBox: new SecretBox(Buffer.alloc(32, 9)),
            lifetimeMs: async () => 900_000,
            now,
          }),
      }),
      storageFindings: new StorageFindingService({ database }),
      protectionRules: new ProtectionRuleService({ database }),
      repositories: new RepositoryService(hosted),
      tagImages: new TagImageService({
        database,
        images: {
          describe: async () => undefined,
          findFacts: async () => undefined,
          readConfig: async () => undefined,
        },
      }),
      repositoryTags: new RepositoryTagService({
        ...hosted,
        images: database.imageFacts,
        copies: { copy: async () => Promise.reject(new Error('images are copied by the whole server')) },
      }),
      tagDeletions: new TagDeletionService(hosted),
      transfers: new TransferService(common),
      upstreams: new UpstreamService({
        ...common,
        secrets,
        findBlockedAddress,
        clouds: this.clouds,
        maxUpstreams,
        log: silentLog,
      }),
      users: new UserService({ ...common, passwords }),
      virtualRegistries: new VirtualRegistryService({ ...common, explainer, maxPerGroup: 5 }),
      webhooks: new WebhookService({
        database,
        secrets: new WebhookSecrets(new SecretBox(Buffer.alloc(32, 8))),
        resender: { resend: async () => this.resent },
        findBlockedAddress: (host) => findBlockedWebhook(host, this.allowedNetworks),
        maxPerProject: 3,
      }),
      healthOf: (id) => this.health.get(id),
      version: { version: '1.2.3', revision: 'abc1234' },
      maxUpstreams,
      maxCacheBytes: 1000,
      now,
    });
  }

  async createUser(
    username: string,
    { isAdmin = false, scopes = ['api'] }: { isAdmin?: boolean; scopes?: UserIdentity['scopes'] } = {},
  ): Promise<TestUser> {
    return this.#know(await this.database.users.create({ username, name: username, isAdmin }), scopes);
  }

  #know({ id, username, isAdmin }: User, scopes: UserIdentity['scopes']): TestUser {
    const token = `${username}-token`;
    this.#identities.set(token, { kind: 'user', userId: id, username, isAdmin, scopes });
    return { id, token };
  }

  /** A user with this role in a group. */
  async createMember(groupId: number, username: string, accessLevel: number): Promise<TestUser> {
    const user = await this.createUser(username);
    await this.database.members.create({ groupId, userId: user.id, accessLevel });
    return user;
  }

  /** As root with a JSON body, unless `init` says otherwise. @param path below /api/v4 */
  async ask(method: string, path: string, body?: Json, init: RequestInit = {}): Promise<RestAnswer> {
    const headers = new Headers(init.headers);
    if (!headers.has('private-token')) headers.set('private-token', 'root-token');
    if (body) headers.set('content-type', 'application/json');
    const response = await fetch(this.#url + path, {
      ...init,
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: response.headers.get('content-type')?.startsWith('text/plain')
        ? text
        : text === ''
          ? undefined
          : JSON.parse(text),
    };
  }

  as(user: TestUser, method: string, path: string, body?: Json): Promise<RestAnswer> {
    return this.ask(method, path, body, { headers: { 'private-token': user.token } });
  }

  /** The private group `name`, made as root. */
  async createGroup(name: string, visibility = 'private', parentId?: number): Promise<number> {
    const { body } = await this.ask('POST', '/groups', { name, path: name, visibility, parent_id: parentId });
    return body.id;
  }

  /** The private project `path`, made as root. */
  async createProject(groupId: number, path: string, fields: Json = {}): Promise<number> {
    return (await this.ask('POST', '/projects', { path, namespace_id: groupId, ...fields })).body.id;
  }

  async createRegistry(groupId: number, name: string): Promise<number> {
    const path = `/groups/${groupId}/-/virtual_registries/container/registries`;
    return (await this.ask('POST', path, { name })).body.id;
  }

  /** At the registry's last position. */
  async createUpstream(registryId: number, name: string, fields: Json = {}): Promise<RestAnswer['body']> {
    const path = `/virtual_registries/container/registries/${registryId}/upstreams`;
    return (await this.ask('POST', path, { name, url: `https://${name}.example`, ...fields })).body;
  }
}
