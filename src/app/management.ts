/** What an operator may change: the services of the REST API. */
import type { SignatureAdmission } from '../admission/signature-admission.ts';
import type { RestServices } from '../api/rest/rest-router.ts';
import type { Passwords } from '../auth/credentials/passwords.ts';
import type { SecretBox } from '../auth/credentials/secret-box.ts';
import { SigningKeys } from '../auth/tokens/signing-keys.ts';
import type { Config } from '../config/config.ts';
import { version } from '../config/version.ts';
import { AuditTrail } from '../management/acting/audit.ts';
import { Names } from '../management/acting/names.ts';
import { SignaturePolicyService } from '../management/admission/signature-policies.ts';
import { CacheEntryService } from '../management/caches/cache-entries.ts';
import { CachePinService } from '../management/caches/cache-pins.ts';
import { CacheRetentionService } from '../management/caches/cache-retention.ts';
import { GroupCacheService } from '../management/caches/group-caches.ts';
import { PrewarmService } from '../management/caches/prewarms.ts';
import { CleanupPreviewService } from '../management/cleanup/cleanup-previews.ts';
import { CleanupRunService } from '../management/cleanup/cleanup-runs.ts';
import { GroupService } from '../management/namespaces/groups.ts';
import { NamespaceService } from '../management/namespaces/namespaces.ts';
import { ProjectService } from '../management/namespaces/projects.ts';
import { TransferService } from '../management/namespaces/transfers.ts';
import { MemberService } from '../management/people/members.ts';
import { UserService } from '../management/people/users.ts';
import { ProtectionRuleService } from '../management/protection/protection-rules.ts';
import { AssociationService } from '../management/registries/associations.ts';
import { ConnectionTestService } from '../management/registries/connection-tests.ts';
import { QuarantinePreviewService } from '../management/registries/quarantine-previews.ts';
import { UpstreamSecrets } from '../management/registries/upstream-settings.ts';
import type { FindBlockedAddress } from '../management/registries/upstream-url.ts';
import { UpstreamService } from '../management/registries/upstreams.ts';
import { VirtualRegistryService } from '../management/registries/virtual-registries.ts';
import { ReplicationService } from '../management/replication/replication-rules.ts';
import { DeletedTagService } from '../management/repositories/deleted-tags.ts';
import { type ConfiguredRegistry, ExternalImageService } from '../management/repositories/external-images.ts';
import { RepositoryService } from '../management/repositories/repositories.ts';
import { RepositoryTagService } from '../management/repositories/repository-tags.ts';
import { TagDeletionService } from '../management/repositories/tag-deletions.ts';
import { TagImageService } from '../management/repositories/tag-images.ts';
import { readSettings } from '../management/server/application-settings.ts';
import { GarbageService } from '../management/server/garbage.ts';
import { ProcessService } from '../management/server/processes.ts';
import { StatisticsService } from '../management/server/statistics.ts';
import { StorageFindingService } from '../management/server/storage-findings.ts';
import { TaskService } from '../management/server/tasks.ts';
import { ClientSetupService } from '../management/setup/client-setups.ts';
import { AccessTokenService } from '../management/tokens/access-tokens.ts';
import { DeployTokenService } from '../management/tokens/deploy-tokens.ts';
import { JobTokenService } from '../management/tokens/job-tokens.ts';
import { OidcTrustService } from '../management/tokens/oidc-trusts.ts';
import { PlaceAccessTokenService } from '../management/tokens/place-access-tokens.ts';
import { SigningKeyService } from '../management/tokens/signing-keys.ts';
import type { WebhookSecrets } from '../management/webhooks/webhook-secrets.ts';
import { type Resender, WebhookService } from '../management/webhooks/webhooks.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { findBlockedLiteral, privateNetworks } from '../outbound/address-guard.ts';
import type { ToldFill } from '../proxy/fill-observer.ts';
import { findPinnedBytes } from '../retention/pinned-bytes.ts';
import { findBlockedWebhook } from '../webhooks/webhook-sender.ts';
import type { Auth } from './auth.ts';
import { configuredSettings } from './configured-settings.ts';
import type { HostedRegistry } from './hosted-registry.ts';
import { setupOptions } from './setup-options.ts';
import type { VirtualRegistries } from './virtual-registries.ts';

export interface ManagementParts {
  readonly signatures: Pick<SignatureAdmission, 'forgetPolicies'>;
  readonly config: Config;
  readonly database: Database;
  readonly log: Log;
  readonly passwords: Passwords;
  readonly secretBox: SecretBox;
  readonly auth: Auth;
  /** Undefined where none is configured. */
  readonly externalRegistry: ConfiguredRegistry | undefined;
  readonly hosted: HostedRegistry;
  readonly virtual: VirtualRegistries;
  readonly webhooks: { readonly secrets: WebhookSecrets; readonly resender: Resender };
  readonly settings: RestServices['applicationSettings'];
  /** Has what was counted so far recorded. */
  readonly recordTraffic: () => Promise<void>;
  /** Of all processes. */
  readonly listFills: () => Promise<readonly ToldFill[]>;
  /** Runs a task soon. */
  readonly wake: (task: string) => void;
  /** Has the collector look at what is due soon. */
  readonly wakeCollector: () => void;
  readonly now: () => number;
}

export function createManagement(parts: ManagementParts): RestServices {
  const { auth, hosted: registry, virtual, config, database, settings, passwords, now } = parts;
  const { upstreams, explainer } = virtual;
  const { maxPerGroup, maxUpstreams } = config.virtualRegistries;
  const secrets = new UpstreamSecrets(parts.secretBox);
  const common = { database, caches: { forgetGroup: () => virtual.registries.forgetAll() }, now };
  const hosted = { database, wake: parts.wake, rules: registry.rules, now };
  const findBlockedAddress: FindBlockedAddress = (host, allowPrivateNetwork) => {
    const networks = [...config.upstreams.allowedNetworks, ...(allowPrivateNetwork ? privateNetworks : [])];
    return findBlockedLiteral(host, networks)?.message;
  };
  return {
    authenticator: auth.authenticator,
    applicationSettings: settings,
    rateLimit: auth.guards.rateLimit,
    sessions: auth.sessions,
    accessTokens: new AccessTokenService(common),
    associations: new AssociationService({ ...common, maxUpstreams }),
    auditTrail: new AuditTrail(database),
    cacheEntries: new CacheEntryService({ ...common, sha1s: virtual.sha1s }),
    cachePins: new CachePinService({ database }),
    cacheRetention: new CacheRetentionService(common),
    cleanupPreviews: new CleanupPreviewService(hosted),
    cleanupRuns: new CleanupRunService(hosted),
    clientSetups: new ClientSetupService({ database, ...setupOptions(config) }),
    connectionTests: new ConnectionTestService({
      ...common,
      secrets,
      tester: upstreams,
      clouds: config.upstreams,
    }),
    deletedTags: new DeletedTagService(hosted),
    deployTokens: new DeployTokenService(common),
    externalImages: new ExternalImageService({
      database,
      rules: registry.rules,
      tokens: auth.registryTokens,
      registry: parts.externalRegistry,
    }),
    groupCaches: new GroupCacheService({
      database,
      findPinnedBytes: (groupId) => findPinnedBytes(database, groupId),
    }),
    groups: new GroupService(common),
    jobTokens: new JobTokenService(common),
    garbage: new GarbageService({ database, wakeCollector: parts.wakeCollector }),
    tasks: new TaskService({ database }),
    members: new MemberService(common),
    names: new Names(database),
    namespaces: new NamespaceService({ database }),
    oidcTrusts: new OidcTrustService({ database, allowHttp: false, findBlockedAddress }),
    placeAccessTokens: new PlaceAccessTokenService(common),
    prewarms: new PrewarmService(hosted),
    processes: new ProcessService({ database }),
    projects: new ProjectService({
      ...common,
      settings,
      hasPersonalNamespaces: config.hosted.personalNamespaces,
    }),
    signaturePolicies: new SignaturePolicyService({
      database,
      forgetPolicies() {
        parts.signatures.forgetPolicies();
        virtual.registries.forgetAll();
      },
    }),
    signingKeys: new SigningKeyService({
      database,
      keysOf: (records) =>
        new SigningKeys({
          records: records.signingKeys,
          secretBox: parts.secretBox,
          lifetimeMs: async () => (await readSettings(records, configuredSettings(config))).tokenMs,
          now,
        }),
    }),
    statistics: new StatisticsService(parts),
    storageFindings: new StorageFindingService({ database }),
    protectionRules: new ProtectionRuleService({ database }),
    replication: new ReplicationService({ ...hosted, secrets, findBlockedAddress }),
    repositories: new RepositoryService(hosted),
    tagImages: new TagImageService({ database, images: registry.imageDetails }),
    repositoryTags: new RepositoryTagService({
      ...hosted,
      images: registry.imageFacts,
      copies: registry.repositories,
    }),
    tagDeletions: new TagDeletionService(hosted),
    transfers: new TransferService(common),
    quarantinePreviews: new QuarantinePreviewService({ database, secrets, judge: virtual.judgeCached }),
    upstreams: new UpstreamService({
      ...common,
      maxUpstreams,
      secrets,
      findBlockedAddress,
      clouds: config.upstreams,
      log: parts.log,
    }),
    users: new UserService({ ...common, passwords }),
    webhooks: new WebhookService({
      database,
      ...parts.webhooks,
      findBlockedAddress: (host) => findBlockedWebhook(host, config.webhooks.allowedNetworks),
      maxPerProject: config.webhooks.maxPerProject,
    }),
    virtualRegistries: new VirtualRegistryService({ ...common, explainer, maxPerGroup }),
    healthOf: (id) => upstreams.healthOf(id),
    version: { version, revision: undefined },
    maxUpstreams,
    maxCacheBytes: config.cache.maxBytes,
    now,
  };
}
