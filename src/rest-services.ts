/** Wires the services of the REST API. */
import type { RestServices } from './api/rest/rest-router.ts';
import type { Passwords } from './auth/passwords.ts';
import type { SecretBox } from './auth/secret-box.ts';
import type { Config } from './config.ts';
import { findPinnedBytes } from './gc/pinned-bytes.ts';
import { AccessTokenService } from './management/access-tokens.ts';
import { AssociationService } from './management/associations.ts';
import { AuditTrail } from './management/audit.ts';
import { CacheEntryService } from './management/cache-entries.ts';
import { CachePinService } from './management/cache-pins.ts';
import { CacheRetentionService } from './management/cache-retention.ts';
import { CleanupPreviewService } from './management/cleanup-previews.ts';
import { CleanupRunService } from './management/cleanup-runs.ts';
import { ConnectionTestService } from './management/connection-tests.ts';
import { DeletedTagService } from './management/deleted-tags.ts';
import { DeployTokenService } from './management/deploy-tokens.ts';
import { GarbageService } from './management/garbage.ts';
import { GroupCacheService } from './management/group-caches.ts';
import { GroupService } from './management/groups.ts';
import { JobTokenService } from './management/job-tokens.ts';
import { JobService } from './management/jobs.ts';
import { MemberService } from './management/members.ts';
import { NamespaceService } from './management/namespaces.ts';
import { OidcTrustService } from './management/oidc-trusts.ts';
import { PlaceAccessTokenService } from './management/place-access-tokens.ts';
import { ProjectService } from './management/projects.ts';
import type { PullExplainer } from './management/pull-explainer.ts';
import { RepositoryService } from './management/repositories.ts';
import { RepositoryProtectionRuleService } from './management/repository-protection-rules.ts';
import { type ImageSummaries, RepositoryTagService } from './management/repository-tags.ts';
import { StorageFindingService } from './management/storage-findings.ts';
import { TagDeletionService } from './management/tag-deletions.ts';
import { type DescribeImages, TagImageService } from './management/tag-images.ts';
import { TagProtectionRuleService } from './management/tag-protection-rules.ts';
import { TransferService } from './management/transfers.ts';
import { UpstreamSecrets } from './management/upstream-settings.ts';
import type { FindBlockedAddress } from './management/upstream-url.ts';
import { UpstreamService } from './management/upstreams.ts';
import { UserService } from './management/users.ts';
import { VirtualRegistryService } from './management/virtual-registries.ts';
import type { WebhookSecrets } from './management/webhook-secrets.ts';
import { type Resender, WebhookService } from './management/webhooks.ts';
import type { Database } from './metadata/database.ts';
import { findBlockedLiteral, privateNetworks } from './upstreams/address-guard.ts';
import type { UpstreamPool } from './upstreams/upstream-pool.ts';
import { findBlockedWebhook } from './upstreams/webhook-sender.ts';
import { version } from './version.ts';

export interface RestParts
  extends Pick<RestServices, 'authenticator' | 'maintenance' | 'rateLimit' | 'sessions'> {
  readonly config: Config;
  readonly database: Database;
  readonly passwords: Passwords;
  readonly secretBox: SecretBox;
  readonly upstreams: UpstreamPool;
  readonly explainer: PullExplainer;
  readonly images: ImageSummaries;
  readonly imageDetails: DescribeImages;
  /** Runs a job soon. */
  readonly wake: (job: string) => void;
  /** Has the collector look at what is due soon. */
  readonly wakeCollector: () => void;
  readonly notifications: { readonly secrets: WebhookSecrets; readonly resender: Resender };
  /** Drops what is believed of virtual registries. */
  readonly forgetAll: () => void;
  readonly now: () => number;
}

export function createRestServices(parts: RestParts): RestServices {
  const { authenticator, maintenance, rateLimit, sessions, config, database, passwords, upstreams, now } =
    parts;
  const { maxPerGroup, maxUpstreams } = config.virtualRegistries;
  const secrets = new UpstreamSecrets(parts.secretBox);
  const common = { database, caches: { forgetGroup: parts.forgetAll }, now };
  const hosted = { database, wake: parts.wake, deleteEnabled: config.storage.deleteEnabled, now };
  const findBlockedAddress: FindBlockedAddress = (host, allowPrivateNetwork) => {
    const networks = [...config.upstreams.allowedNetworks, ...(allowPrivateNetwork ? privateNetworks : [])];
    return findBlockedLiteral(host, networks)?.message;
  };
  return {
    authenticator,
    maintenance,
    rateLimit,
    sessions,
    accessTokens: new AccessTokenService(common),
    associations: new AssociationService({ ...common, maxUpstreams }),
    auditTrail: new AuditTrail(database),
    cacheEntries: new CacheEntryService(common),
    cachePins: new CachePinService({ database }),
    cacheRetention: new CacheRetentionService(common),
    cleanupPreviews: new CleanupPreviewService({ database, now }),
    cleanupRuns: new CleanupRunService(hosted),
    connectionTests: new ConnectionTestService({ ...common, secrets, tester: upstreams }),
    deletedTags: new DeletedTagService({ database, maxTags: config.hosted.maxTags }),
    deployTokens: new DeployTokenService(common),
    groupCaches: new GroupCacheService({
      database,
      findPinnedBytes: (groupId) => findPinnedBytes(database, groupId),
    }),
    groups: new GroupService(common),
    jobTokens: new JobTokenService(common),
    garbage: new GarbageService({ database, wakeCollector: parts.wakeCollector }),
    jobs: new JobService({ database }),
    members: new MemberService(common),
    namespaces: new NamespaceService({ database }),
    oidcTrusts: new OidcTrustService({ database, allowHttp: false, findBlockedAddress }),
    placeAccessTokens: new PlaceAccessTokenService(common),
    projects: new ProjectService(common),
    storageFindings: new StorageFindingService({ database }),
    repositoryProtectionRules: new RepositoryProtectionRuleService({ database }),
    tagProtectionRules: new TagProtectionRuleService({ database }),
    repositories: new RepositoryService(hosted),
    tagImages: new TagImageService({ database, images: parts.imageDetails }),
    repositoryTags: new RepositoryTagService({ ...hosted, images: parts.images }),
    tagDeletions: new TagDeletionService(hosted),
    transfers: new TransferService(common),
    upstreams: new UpstreamService({ ...common, maxUpstreams, secrets, findBlockedAddress }),
    users: new UserService({ database, passwords }),
    webhooks: new WebhookService({
      database,
      ...parts.notifications,
      findBlockedAddress: (host) => findBlockedWebhook(host, config.webhooks.allowedNetworks),
      maxPerProject: config.webhooks.maxPerProject,
    }),
    virtualRegistries: new VirtualRegistryService({ ...common, explainer: parts.explainer, maxPerGroup }),
    healthOf: (id) => upstreams.healthOf(id),
    version: { version, revision: undefined },
    maxUpstreams,
    maxCacheBytes: config.cache.maxBytes,
    now,
  };
}
