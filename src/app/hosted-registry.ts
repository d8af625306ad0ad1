/** The hosted registry: repositories that are pushed to, on records and bytes. */
import type { Admission } from '../admission/admission.ts';
import type { HotContent } from '../cache/hot-content.ts';
import type { Config } from '../config/config.ts';
import type { ChangeRules } from '../hosted/hosted-options.ts';
import { HostedRepositories } from '../hosted/hosted-repositories.ts';
import { ImageDetailsReader } from '../hosted/manifests/image-details.ts';
import { ImageFactsReader } from '../hosted/manifests/image-facts.ts';
import { HostedInventory } from '../hosted/manifests/inventory.ts';
import { PullCounter } from '../hosted/pull-counter.ts';
import { PlaceDeletionTask } from '../hosted/repositories/place-deletion.ts';
import { RepositoryDeletionTask } from '../hosted/repositories/repository-deletion.ts';
import { RepositoryMeasuringTask } from '../hosted/repositories/repository-measuring.ts';
import { CleanupTask } from '../hosted/tags/cleanup.ts';
import { TagDeletionTask } from '../hosted/tags/tag-deletion.ts';
import { UploadExpiry } from '../hosted/uploads/upload-expiry.ts';
import type { ApplicationSettings } from '../management/server/application-settings.ts';
import type { Log } from '../observe/log.ts';
import { TagPatterns } from '../rules/tag-protection.ts';
import type { BlobReads } from '../storage/blob-reads.ts';
import { BufferBudget } from '../storage/chunk-reader.ts';
import type { Task } from '../tasks/task.ts';
import type { Storage } from './storage.ts';

export interface HostedRegistryParts {
  readonly config: Config;
  readonly storage: Pick<Storage, 'database' | 'store' | 'uploads'>;
  /** What clients get. */
  readonly reads: BlobReads;
  readonly hot: HotContent;
  readonly admission: Pick<Admission, 'admit'>;
  readonly settings: Pick<ApplicationSettings, 'offReason'>;
  readonly log: Log;
  readonly now: () => number;
}

export function createHostedRegistry({
  config,
  storage,
  reads,
  hot,
  admission,
  settings,
  log,
  now,
}: HostedRegistryParts) {
  const { database, store, uploads } = storage;
  const tagPatterns = new TagPatterns();
  const { deleteEnabled, protectReferencedManifests } = config.storage;
  const limits = { ...config.hosted, deleteEnabled, protectReferencedManifests };
  const offReason = () => settings.offReason('hosted');
  const rules: ChangeRules = { limits, tagPatterns };
  const parts = { database, store, uploads, tagPatterns, log, now };
  const pulls = new PullCounter({
    records: database.pullCounts,
    flushMs: config.cache.usageFlushMs,
    now,
    log,
  });
  const repositories = new HostedRepositories({
    ...parts,
    pulls,
    reads,
    hot,
    admission,
    buffers: new BufferBudget(),
    tellsReferences: config.webhooks.includeReferences,
    limits,
    offReason,
  });
  const imageFacts = new ImageFactsReader(parts);
  const tasks: readonly Task[] = [
    new UploadExpiry({ ...parts, expiryMs: config.hosted.uploadExpiryMs }),
    new CleanupTask({ ...parts, offReason }),
    new TagDeletionTask(parts),
    new RepositoryDeletionTask(parts),
    new PlaceDeletionTask(parts),
    new RepositoryMeasuringTask(parts),
  ];
  return {
    repositories,
    rules,
    inventory: new HostedInventory({ ...parts, facts: imageFacts }),
    tasks,
    imageFacts,
    imageDetails: new ImageDetailsReader(parts, imageFacts),
    /** When requests come no more. */
    async close(): Promise<void> {
      await repositories.close();
      await pulls.close();
    },
  };
}

export type HostedRegistry = ReturnType<typeof createHostedRegistry>;
