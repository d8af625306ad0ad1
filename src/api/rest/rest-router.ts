/** All of /api/v4: to add a resource, add its endpoints to the list. */
import type { Authenticator } from '../../auth/credentials/authenticate.ts';
import type { AuditTrail } from '../../management/acting/audit.ts';
import { auditEventEndpoints } from '../../management/acting/audit-event-endpoints.ts';
import type { Names } from '../../management/acting/names.ts';
import type { SignaturePolicyService } from '../../management/admission/signature-policies.ts';
import {
  projectSignatureEndpoints,
  registrySignatureEndpoints,
} from '../../management/admission/signature-policy-endpoints.ts';
import type { CacheEntryService } from '../../management/caches/cache-entries.ts';
import { cacheEntryEndpoints } from '../../management/caches/cache-entry-endpoints.ts';
import { cachePinEndpoints } from '../../management/caches/cache-pin-endpoints.ts';
import type { CachePinService } from '../../management/caches/cache-pins.ts';
import type { CacheRetentionService } from '../../management/caches/cache-retention.ts';
import { cacheRetentionEndpoints } from '../../management/caches/cache-retention-endpoints.ts';
import { groupCacheEndpoints } from '../../management/caches/group-cache-endpoints.ts';
import type { GroupCacheService } from '../../management/caches/group-caches.ts';
import { prewarmEndpoints } from '../../management/caches/prewarm-endpoints.ts';
import type { PrewarmService } from '../../management/caches/prewarms.ts';
import { cleanupEndpoints } from '../../management/cleanup/cleanup-endpoints.ts';
import type { CleanupPreviewService } from '../../management/cleanup/cleanup-previews.ts';
import type { CleanupRunService } from '../../management/cleanup/cleanup-runs.ts';
import { type TaggedEndpoint, tagged } from '../../management/endpoint/endpoint.ts';
import { groupEndpoints } from '../../management/namespaces/group-endpoints.ts';
import type { GroupService } from '../../management/namespaces/groups.ts';
import { namespaceEndpoints } from '../../management/namespaces/namespace-endpoints.ts';
import type { NamespaceService } from '../../management/namespaces/namespaces.ts';
import { projectEndpoints } from '../../management/namespaces/project-endpoints.ts';
import type { ProjectService } from '../../management/namespaces/projects.ts';
import { transferEndpoints } from '../../management/namespaces/transfer-endpoints.ts';
import type { TransferService } from '../../management/namespaces/transfers.ts';
import { memberEndpoints } from '../../management/people/member-endpoints.ts';
import type { MemberService } from '../../management/people/members.ts';
import { userEndpoints } from '../../management/people/user-endpoints.ts';
import type { UserService } from '../../management/people/users.ts';
import { protectionRuleEndpoints } from '../../management/protection/protection-rule-endpoints.ts';
import type { ProtectionRuleService } from '../../management/protection/protection-rules.ts';
import type { AssociationService } from '../../management/registries/associations.ts';
import type { ConnectionTestService } from '../../management/registries/connection-tests.ts';
import {
  type QuarantinePreviewService,
  quarantinePreviewEndpoints,
} from '../../management/registries/quarantine-previews.ts';
import { registryUpstreamEndpoints } from '../../management/registries/registry-upstream-endpoints.ts';
import { upstreamEndpoints } from '../../management/registries/upstream-endpoints.ts';
import type { HealthOf } from '../../management/registries/upstream-state.ts';
import type { UpstreamService } from '../../management/registries/upstreams.ts';
import type { VirtualRegistryService } from '../../management/registries/virtual-registries.ts';
import { virtualRegistryEndpoints } from '../../management/registries/virtual-registry-endpoints.ts';
import { replicationEndpoints } from '../../management/replication/replication-endpoints.ts';
import type { ReplicationService } from '../../management/replication/replication-rules.ts';
import { deletedTagEndpoints } from '../../management/repositories/deleted-tag-endpoints.ts';
import type { DeletedTagService } from '../../management/repositories/deleted-tags.ts';
import { externalImageEndpoints } from '../../management/repositories/external-image-endpoints.ts';
import type { ExternalImageService } from '../../management/repositories/external-images.ts';
import type { RepositoryService } from '../../management/repositories/repositories.ts';
import { repositoryEndpoints } from '../../management/repositories/repository-endpoints.ts';
import { repositoryTagEndpoints } from '../../management/repositories/repository-tag-endpoints.ts';
import type { RepositoryTagService } from '../../management/repositories/repository-tags.ts';
import { tagDeletionEndpoints } from '../../management/repositories/tag-deletion-endpoints.ts';
import type { TagDeletionService } from '../../management/repositories/tag-deletions.ts';
import { tagImageEndpoints } from '../../management/repositories/tag-image-endpoints.ts';
import type { TagImageService } from '../../management/repositories/tag-images.ts';
import { applicationSettingEndpoints } from '../../management/server/application-setting-endpoints.ts';
import type { ApplicationSettings } from '../../management/server/application-settings.ts';
import type { GarbageService } from '../../management/server/garbage.ts';
import { garbageEndpoints } from '../../management/server/garbage-endpoints.ts';
import { processEndpoints } from '../../management/server/process-endpoints.ts';
import type { ProcessService } from '../../management/server/processes.ts';
import type { StatisticsService } from '../../management/server/statistics.ts';
import { statisticsEndpoints } from '../../management/server/statistics-endpoints.ts';
import { storageFindingEndpoints } from '../../management/server/storage-finding-endpoints.ts';
import type { StorageFindingService } from '../../management/server/storage-findings.ts';
import { taskEndpoints } from '../../management/server/task-endpoints.ts';
import type { TaskService } from '../../management/server/tasks.ts';
import { type Version, versionEndpoints } from '../../management/server/version-endpoints.ts';
import { clientSetupEndpoints } from '../../management/setup/client-setup-endpoints.ts';
import type { ClientSetupService } from '../../management/setup/client-setups.ts';
import type { AccessTokenService } from '../../management/tokens/access-tokens.ts';
import { deployTokenEndpoints } from '../../management/tokens/deploy-token-endpoints.ts';
import type { DeployTokenService } from '../../management/tokens/deploy-tokens.ts';
import { jobTokenEndpoints } from '../../management/tokens/job-token-endpoints.ts';
import type { JobTokenService } from '../../management/tokens/job-tokens.ts';
import { oidcTrustEndpoints } from '../../management/tokens/oidc-trust-endpoints.ts';
import type { OidcTrustService } from '../../management/tokens/oidc-trusts.ts';
import { personalAccessTokenEndpoints } from '../../management/tokens/personal-access-token-endpoints.ts';
import { placeAccessTokenEndpoints } from '../../management/tokens/place-access-token-endpoints.ts';
import type { PlaceAccessTokenService } from '../../management/tokens/place-access-tokens.ts';
import { signingKeyEndpoints } from '../../management/tokens/signing-key-endpoints.ts';
import type { SigningKeyService } from '../../management/tokens/signing-keys.ts';
import { systemHookEndpoints } from '../../management/webhooks/hook-event-endpoints.ts';
import { projectHookEndpoints } from '../../management/webhooks/project-hook-endpoints.ts';
import type { WebhookService } from '../../management/webhooks/webhooks.ts';
import type { RateLimit } from '../rate-limits.ts';
import type { CookieSessions } from './identify.ts';
import { serveOpenApi } from './openapi-route.ts';
import { mountEndpoints, type RestMiddleware } from './router.ts';

export interface RestServices {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly rateLimit?: RateLimit | undefined;
  /** The sessions of people at browsers; undefined: no cookie counts. */
  readonly sessions?: CookieSessions | undefined;
  readonly accessTokens: AccessTokenService;
  readonly applicationSettings: ApplicationSettings;
  readonly associations: AssociationService;
  readonly auditTrail: AuditTrail;
  readonly cacheEntries: CacheEntryService;
  readonly cachePins: CachePinService;
  readonly cacheRetention: CacheRetentionService;
  readonly cleanupPreviews: CleanupPreviewService;
  readonly cleanupRuns: CleanupRunService;
  readonly clientSetups: ClientSetupService;
  readonly connectionTests: ConnectionTestService;
  readonly deletedTags: DeletedTagService;
  readonly deployTokens: DeployTokenService;
  readonly externalImages: ExternalImageService;
  readonly groupCaches: GroupCacheService;
  readonly groups: GroupService;
  readonly jobTokens: JobTokenService;
  readonly garbage: GarbageService;
  readonly tasks: TaskService;
  readonly members: MemberService;
  readonly names: Names;
  readonly namespaces: NamespaceService;
  readonly oidcTrusts: OidcTrustService;
  /** Access tokens of groups and projects. */
  readonly placeAccessTokens: PlaceAccessTokenService;
  readonly prewarms: PrewarmService;
  readonly quarantinePreviews: QuarantinePreviewService;
  readonly signaturePolicies: SignaturePolicyService;
  readonly replication: ReplicationService;
  readonly processes: ProcessService;
  readonly projects: ProjectService;
  readonly signingKeys: SigningKeyService;
  readonly statistics: StatisticsService;
  readonly storageFindings: StorageFindingService;
  readonly protectionRules: ProtectionRuleService;
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
  /** How many upstreams a virtual registry may have. */
  readonly maxUpstreams: number;
  /** The limit of the caches of all groups together; undefined: there is none. */
  readonly maxCacheBytes: number | undefined;
  readonly now: () => number;
}

export function createRestRouter(services: RestServices): RestMiddleware {
  const endpoints = listEndpoints(services);
  const describe = serveOpenApi(endpoints, services.version.version);
  const answer = mountEndpoints(endpoints, services);
  return (ctx, next) => describe(ctx, async () => answer(ctx, next));
}

/** All endpoints, declared and not mounted. */
export function listEndpoints(services: RestServices): readonly TaggedEndpoint[] {
  const { healthOf, maxUpstreams, maxCacheBytes, now } = services;
  return [
    ...tagged('Server', versionEndpoints(services.version)),
    ...tagged('Groups', groupEndpoints(services.groups)),
    ...tagged('Groups', namespaceEndpoints(services.namespaces, services.groups)),
    ...tagged('Projects', projectEndpoints(services.projects)),
    ...tagged('Webhooks', projectHookEndpoints(services.webhooks)),
    ...tagged('Webhooks', systemHookEndpoints(services.webhooks)),
    ...tagged('Virtual registries', virtualRegistryEndpoints(services.virtualRegistries), 'virtual'),
    ...tagged('Virtual registries', clientSetupEndpoints(services.clientSetups), 'virtual'),
    ...tagged(
      'Upstreams',
      upstreamEndpoints(services.upstreams, services.connectionTests, healthOf),
      'virtual',
    ),
    ...tagged('Upstreams', quarantinePreviewEndpoints(services.quarantinePreviews), 'virtual'),
    ...tagged('Upstreams', registryUpstreamEndpoints(services.associations, maxUpstreams), 'virtual'),
    ...tagged('Cache entries', cacheEntryEndpoints(services.cacheEntries), 'virtual'),
    ...tagged('Caches', groupCacheEndpoints(services.groupCaches, maxCacheBytes), 'virtual'),
    ...tagged('Caches', cachePinEndpoints(services.cachePins), 'virtual'),
    ...tagged('Caches', prewarmEndpoints(services.prewarms), 'virtual'),
    ...tagged('Signatures', registrySignatureEndpoints(services.signaturePolicies), 'virtual'),
    ...tagged('Signatures', projectSignatureEndpoints(services.signaturePolicies), 'hosted'),
    ...tagged('Caches', cacheRetentionEndpoints(services.cacheRetention), 'virtual'),
    ...tagged('Audit events', auditEventEndpoints(services.auditTrail)),
    ...tagged('Users', userEndpoints(services.users)),
    ...tagged('Access tokens', personalAccessTokenEndpoints(services.accessTokens, now)),
    ...tagged('Access tokens', placeAccessTokenEndpoints(services.placeAccessTokens, now)),
    ...tagged('Deploy tokens', deployTokenEndpoints(services.deployTokens, now)),
    ...tagged('CI jobs', jobTokenEndpoints(services.jobTokens)),
    ...tagged('Server', taskEndpoints(services.tasks)),
    ...tagged('Server', processEndpoints(services.processes)),
    ...tagged('Server', garbageEndpoints(services.garbage)),
    ...tagged('Server', statisticsEndpoints(services.statistics)),
    ...tagged('CI jobs', oidcTrustEndpoints(services.oidcTrusts)),
    ...tagged('Members', memberEndpoints(services.members)),
    ...tagged('Protection rules', protectionRuleEndpoints(services.protectionRules), 'hosted'),
    ...tagged('Repositories', repositoryEndpoints(services.repositories), 'hosted'),
    ...tagged('Repositories', repositoryTagEndpoints(services.repositoryTags), 'hosted'),
    ...tagged('Repositories', tagImageEndpoints(services.tagImages), 'hosted'),
    ...tagged('Repositories', tagDeletionEndpoints(services.tagDeletions), 'hosted'),
    ...tagged('Repositories', deletedTagEndpoints(services.deletedTags), 'hosted'),
    ...tagged('Repositories', externalImageEndpoints(services.externalImages)),
    ...tagged('Replication', replicationEndpoints(services.replication), 'hosted'),
    ...tagged('Projects', cleanupEndpoints(services.cleanupPreviews, services.cleanupRuns), 'hosted'),
    ...tagged('Transfers', transferEndpoints(services.transfers)),
    ...tagged('Server', applicationSettingEndpoints(services.applicationSettings)),
    ...tagged('Server', storageFindingEndpoints(services.storageFindings)),
    ...tagged('Server', signingKeyEndpoints(services.signingKeys)),
  ];
}
