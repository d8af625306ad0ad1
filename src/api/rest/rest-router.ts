/** All of /api/v4: to add a resource, add its endpoints to the list. */
import type { Authenticator } from '../../auth/authenticate.ts';
import type { AccessTokenService } from '../../management/access-tokens.ts';
import type { AssociationService } from '../../management/associations.ts';
import type { AuditTrail } from '../../management/audit.ts';
import type { CacheEntryService } from '../../management/cache-entries.ts';
import type { CachePinService } from '../../management/cache-pins.ts';
import type { CacheRetentionService } from '../../management/cache-retention.ts';
import type { CleanupPreviewService } from '../../management/cleanup-previews.ts';
import type { CleanupRunService } from '../../management/cleanup-runs.ts';
import type { ConnectionTestService } from '../../management/connection-tests.ts';
import type { DeletedTagService } from '../../management/deleted-tags.ts';
import type { DeployTokenService } from '../../management/deploy-tokens.ts';
import type { GarbageService } from '../../management/garbage.ts';
import type { GroupCacheService } from '../../management/group-caches.ts';
import type { GroupService } from '../../management/groups.ts';
import type { JobTokenService } from '../../management/job-tokens.ts';
import type { JobService } from '../../management/jobs.ts';
import type { MaintenanceMode } from '../../management/maintenance.ts';
import type { MemberService } from '../../management/members.ts';
import type { NamespaceService } from '../../management/namespaces.ts';
import type { OidcTrustService } from '../../management/oidc-trusts.ts';
import type { PlaceAccessTokenService } from '../../management/place-access-tokens.ts';
import type { ProjectService } from '../../management/projects.ts';
import type { RepositoryService } from '../../management/repositories.ts';
import type { RepositoryProtectionRuleService } from '../../management/repository-protection-rules.ts';
import type { RepositoryTagService } from '../../management/repository-tags.ts';
import type { StorageFindingService } from '../../management/storage-findings.ts';
import type { TagDeletionService } from '../../management/tag-deletions.ts';
import type { TagImageService } from '../../management/tag-images.ts';
import type { TagProtectionRuleService } from '../../management/tag-protection-rules.ts';
import type { TransferService } from '../../management/transfers.ts';
import type { HealthOf } from '../../management/upstream-state.ts';
import type { UpstreamService } from '../../management/upstreams.ts';
import type { UserService } from '../../management/users.ts';
import type { VirtualRegistryService } from '../../management/virtual-registries.ts';
import type { WebhookService } from '../../management/webhooks.ts';
import type { RestRateLimit } from '../rate-limits.ts';
import { applicationSettingEndpoints } from './application-settings.ts';
import { auditEventEndpoints } from './audit-events.ts';
import { cacheEntryEndpoints } from './cache-entries.ts';
import { cachePinEndpoints } from './cache-pins.ts';
import { cacheRetentionEndpoints } from './cache-retention.ts';
import { cleanupPreviewEndpoints } from './cleanup-previews.ts';
import { cleanupRunEndpoints } from './cleanup-runs.ts';
import { deletedTagEndpoints } from './deleted-tags.ts';
import { deployTokenEndpoints } from './deploy-tokens.ts';
import { type TaggedEndpoint, tagged } from './endpoint.ts';
import { garbageEndpoints } from './garbage.ts';
import { groupCacheEndpoints } from './group-caches.ts';
import { groupEndpoints } from './groups.ts';
import { systemHookEndpoints } from './hook-events.ts';
import type { CookieSessions } from './identify.ts';
import { jobTokenEndpoints } from './job-tokens.ts';
import { jobEndpoints } from './jobs.ts';
import { memberEndpoints } from './members.ts';
import { namespaceEndpoints } from './namespaces.ts';
import { oidcTrustEndpoints } from './oidc-trusts.ts';
import { serveOpenApi } from './openapi-route.ts';
import { personalAccessTokenEndpoints } from './personal-access-tokens.ts';
import { placeAccessTokenEndpoints } from './place-access-tokens.ts';
import { projectHookEndpoints } from './project-hooks.ts';
import { projectEndpoints } from './projects.ts';
import { registryUpstreamEndpoints } from './registry-upstreams.ts';
import { repositoryEndpoints } from './repositories.ts';
import { repositoryProtectionRuleEndpoints } from './repository-protection-rules.ts';
import { repositoryTagEndpoints } from './repository-tags.ts';
import { mountEndpoints, type RestMiddleware } from './router.ts';
import { storageFindingEndpoints } from './storage-findings.ts';
import { tagDeletionEndpoints } from './tag-deletions.ts';
import { tagImageEndpoints } from './tag-images.ts';
import { tagProtectionRuleEndpoints } from './tag-protection-rules.ts';
import { transferEndpoints } from './transfers.ts';
import { upstreamEndpoints } from './upstreams.ts';
import { userEndpoints } from './users.ts';
import { type Version, versionEndpoints } from './version.ts';
import { virtualRegistryEndpoints } from './virtual-registries.ts';

export interface RestServices {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly rateLimit?: RestRateLimit | undefined;
  /** Undefined: no cookie counts. */
  readonly sessions?: CookieSessions | undefined;
  readonly accessTokens: AccessTokenService;
  readonly associations: AssociationService;
  readonly auditTrail: AuditTrail;
  readonly cacheEntries: CacheEntryService;
  readonly cachePins: CachePinService;
  readonly cacheRetention: CacheRetentionService;
  readonly cleanupPreviews: CleanupPreviewService;
  readonly cleanupRuns: CleanupRunService;
  readonly connectionTests: ConnectionTestService;
  readonly deletedTags: DeletedTagService;
  readonly deployTokens: DeployTokenService;
  readonly groupCaches: GroupCacheService;
  readonly groups: GroupService;
  readonly jobTokens: JobTokenService;
  readonly garbage: GarbageService;
  readonly jobs: JobService;
  readonly maintenance: MaintenanceMode;
  readonly members: MemberService;
  readonly namespaces: NamespaceService;
  readonly oidcTrusts: OidcTrustService;
  /** Of groups and projects. */
  readonly placeAccessTokens: PlaceAccessTokenService;
  readonly projects: ProjectService;
  readonly storageFindings: StorageFindingService;
  readonly repositoryProtectionRules: RepositoryProtectionRuleService;
  readonly tagProtectionRules: TagProtectionRuleService;
  readonly repositories: RepositoryService;
  readonly repositoryTags: RepositoryTagService;
  readonly tagImages: TagImageService;
  readonly tagDeletions: TagDeletionService;
  readonly transfers: TransferService;
  readonly upstreams: UpstreamService;
  readonly users: UserService;
  readonly virtualRegistries: VirtualRegistryService;
  readonly webhooks: WebhookService;
  readonly healthOf: HealthOf;
  readonly version: Version;
  /** Upstreams per virtual registry. */
  readonly maxUpstreams: number;
  /** Of the caches of all groups; undefined: no limit. */
  readonly maxCacheBytes: number | undefined;
  readonly now: () => number;
}

export function createRestRouter(services: RestServices): RestMiddleware {
  const endpoints = listEndpoints(services);
  const describe = serveOpenApi(endpoints, services.version.version);
  const answer = mountEndpoints(endpoints, services);
  return (ctx, next) => describe(ctx, async () => answer(ctx, next));
}

/** Declared, not mounted. */
export function listEndpoints(services: RestServices): readonly TaggedEndpoint[] {
  const { healthOf, maxUpstreams, maxCacheBytes, now } = services;
  return [
    ...tagged('Server', versionEndpoints(services.version)),
    ...tagged('Groups', groupEndpoints(services.groups)),
    ...tagged('Groups', namespaceEndpoints(services.namespaces, services.groups)),
    ...tagged('Projects', projectEndpoints(services.projects)),
    ...tagged('Webhooks', projectHookEndpoints(services.webhooks)),
    ...tagged('Webhooks', systemHookEndpoints(services.webhooks)),
    ...tagged('Virtual registries', virtualRegistryEndpoints(services.virtualRegistries)),
    ...tagged('Upstreams', upstreamEndpoints(services.upstreams, services.connectionTests, healthOf)),
    ...tagged('Upstreams', registryUpstreamEndpoints(services.associations, maxUpstreams)),
    ...tagged('Cache entries', cacheEntryEndpoints(services.cacheEntries)),
    ...tagged('Caches', groupCacheEndpoints(services.groupCaches, maxCacheBytes)),
    ...tagged('Caches', cachePinEndpoints(services.cachePins)),
    ...tagged('Caches', cacheRetentionEndpoints(services.cacheRetention)),
    ...tagged('Audit events', auditEventEndpoints(services.auditTrail)),
    ...tagged('Users', userEndpoints(services.users)),
    ...tagged('Access tokens', personalAccessTokenEndpoints(services.accessTokens, now)),
    ...tagged('Access tokens', placeAccessTokenEndpoints(services.placeAccessTokens, now)),
    ...tagged('Deploy tokens', deployTokenEndpoints(services.deployTokens, now)),
    ...tagged('CI jobs', jobTokenEndpoints(services.jobTokens)),
    ...tagged('Server', jobEndpoints(services.jobs)),
    ...tagged('Server', garbageEndpoints(services.garbage)),
    ...tagged('CI jobs', oidcTrustEndpoints(services.oidcTrusts)),
    ...tagged('Members', memberEndpoints(services.members)),
    ...tagged('Protection rules', repositoryProtectionRuleEndpoints(services.repositoryProtectionRules)),
    ...tagged('Protection rules', tagProtectionRuleEndpoints(services.tagProtectionRules)),
    ...tagged('Repositories', repositoryEndpoints(services.repositories)),
    ...tagged('Repositories', repositoryTagEndpoints(services.repositoryTags)),
    ...tagged('Repositories', tagImageEndpoints(services.tagImages)),
    ...tagged('Repositories', tagDeletionEndpoints(services.tagDeletions)),
    ...tagged('Repositories', deletedTagEndpoints(services.deletedTags)),
    ...tagged('Projects', cleanupPreviewEndpoints(services.cleanupPreviews)),
    ...tagged('Projects', cleanupRunEndpoints(services.cleanupRuns)),
    ...tagged('Transfers', transferEndpoints(services.transfers)),
    ...tagged('Server', applicationSettingEndpoints(services.maintenance)),
    ...tagged('Server', storageFindingEndpoints(services.storageFindings)),
  ];
}
