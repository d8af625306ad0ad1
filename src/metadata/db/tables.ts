/**
 * The tables as the code sees them; each stands beside the class that reads and writes it. Instants are epoch milliseconds. What is
 * written here in camelCase is snake_case in the database, booleans are 0 or 1 there, and lists and objects JSON.
 */
import type { ColumnType, Selectable } from 'kysely';
import type { CacheEntryTable } from '../cached/cache-entry.ts';
import type { CachePinTable } from '../cached/cache-pins.ts';
import type { CachePullTable } from '../cached/cache-pulls.ts';
import type { CacheRetentionPolicyTable } from '../cached/cache-retention-policies.ts';
import type { CachedBlobTable, CacheReservationTable, CacheSizeChangeTable } from '../cached/cache-sizes.ts';
import type { GroupCacheTable } from '../cached/group-caches.ts';
import type { RepositoryReviewTable, ReviewTable } from '../collector/enqueue-reviews.ts';
import type { GcRunTable } from '../collector/gc-runs.ts';
import type { BlobTable } from '../content/blobs.ts';
import type { ImageFactsTable } from '../content/image-facts.ts';
import type { ManifestReferenceTable } from '../content/manifest-payloads.ts';
import type { ManifestTable } from '../content/manifests.ts';
import type { ObjectPartTable, ObjectWriteTable } from '../content/object-writes.ts';
import type { StorageFindingTable } from '../content/stored-blobs.ts';
import type { CleanupPolicyTable } from '../hosted/cleanup-policies.ts';
import type { DeletedTagTable } from '../hosted/deleted-tags.ts';
import type { ProtectionRuleTable } from '../hosted/protection-rules.ts';
import type { RepositoryTable } from '../hosted/repositories.ts';
import type { RepositoryBlobTable } from '../hosted/repository-blobs.ts';
import type { RepositoryManifestTable } from '../hosted/repository-manifests.ts';
import type { TagDeletionTable } from '../hosted/tag-deletions.ts';
import type { TagTable } from '../hosted/tags.ts';
import type { UploadTable } from '../hosted/upload-records.ts';
import type { GroupTable } from '../namespaces/groups.ts';
import type { PlaceRemovalTable } from '../namespaces/place-removals.ts';
import type { ProjectTable } from '../namespaces/projects.ts';
import type { RenameLeaseTable } from '../namespaces/rename-leases.ts';
import type { MemberTable } from '../people/members.ts';
import type { OidcIdentityTable } from '../people/oidc-identities.ts';
import type { SessionTable } from '../people/sessions.ts';
import type { UserTable } from '../people/users.ts';
import type { RegistryUpstreamTable } from '../registries/registry-upstreams.ts';
import type { UpstreamTable } from '../registries/upstreams.ts';
import type { VirtualRegistryTable } from '../registries/virtual-registries.ts';
import type { AuditEventTable } from '../server/audit-events.ts';
import type { FillLeaseTable } from '../server/fill-leases.ts';
import type { InstanceTable } from '../server/instance-settings.ts';
import type { ProcessTable } from '../server/processes.ts';
import type { SharedBeliefTable, SharedCountTable } from '../server/shared-beliefs.ts';
import type { TaskTable } from '../server/tasks.ts';
import type { TrafficTable } from '../server/traffic.ts';
import type { AccessTokenTable } from '../tokens/access-tokens.ts';
import type { DeployTokenTable } from '../tokens/deploy-tokens.ts';
import type { JobTokenTable } from '../tokens/job-tokens.ts';
import type { OidcTrustTable } from '../tokens/oidc-trusts.ts';
import type { SigningKeyTable } from '../tokens/signing-keys.ts';
import type { WebhookDeliveryTable } from '../webhooks/webhook-deliveries.ts';
import type { WebhookLaneTable } from '../webhooks/webhook-lanes.ts';
import type { WebhookTable } from '../webhooks/webhooks.ts';

/** What may be absent, which is undefined; in changes undefined leaves it as it is, and null clears it. */
export type Optional<T> = ColumnType<T | undefined, T | undefined, T | null | undefined>;

/** What is read of a table. */
export type RecordOf<Table> = Readonly<Selectable<Table>>;

export interface Tables {
  accessTokens: AccessTokenTable;
  auditEvents: AuditEventTable;
  blobReviews: ReviewTable;
  blobs: BlobTable;
  cacheEntries: CacheEntryTable;
  cachePins: CachePinTable;
  cachePulls: CachePullTable;
  cacheReservations: CacheReservationTable;
  cacheRetentionPolicies: CacheRetentionPolicyTable;
  cacheSizeChanges: CacheSizeChangeTable;
  cachedBlobs: CachedBlobTable;
  cleanupPolicies: CleanupPolicyTable;
  deletedTags: DeletedTagTable;
  deployTokens: DeployTokenTable;
  fillLeases: FillLeaseTable;
  gcRuns: GcRunTable;
  groupCaches: GroupCacheTable;
  groups: GroupTable;
  imageFacts: ImageFactsTable;
  instance: InstanceTable;
  jobTokens: JobTokenTable;
  linkReviews: RepositoryReviewTable;
  manifestReferences: ManifestReferenceTable;
  manifestReviews: RepositoryReviewTable;
  manifests: ManifestTable;
  members: MemberTable;
  oidcIdentities: OidcIdentityTable;
  oidcTrusts: OidcTrustTable;
  payloadReviews: ReviewTable;
  placeRemovals: PlaceRemovalTable;
  processes: ProcessTable;
  objectParts: ObjectPartTable;
  objectWrites: ObjectWriteTable;
  projects: ProjectTable;
  protectionRules: ProtectionRuleTable;
  registryUpstreams: RegistryUpstreamTable;
  renameLeases: RenameLeaseTable;
  repositories: RepositoryTable;
  repositoryBlobs: RepositoryBlobTable;
  repositoryManifests: RepositoryManifestTable;
  sessions: SessionTable;
  sharedBeliefs: SharedBeliefTable;
  sharedCounts: SharedCountTable;
  signingKeys: SigningKeyTable;
  storageFindings: StorageFindingTable;
  tagDeletions: TagDeletionTable;
  tags: TagTable;
  tasks: TaskTable;
  traffic: TrafficTable;
  uploads: UploadTable;
  upstreams: UpstreamTable;
  users: UserTable;
  virtualRegistries: VirtualRegistryTable;
  webhookDeliveries: WebhookDeliveryTable;
  webhookLanes: WebhookLaneTable;
  webhooks: WebhookTable;
}
