/** Wires the hosted registry: from records and bytes to repositories that are pushed to. */
import type { Config } from '../config/config.ts';
import type { ChangeRules } from '../hosted/hosted-options.ts';
import { HostedRepositories } from '../hosted/hosted-repositories.ts';
import { ImageDetailsReader } from '../hosted/manifests/image-details.ts';
import { ImageFactsReader } from '../hosted/manifests/image-facts.ts';
import { HostedInventory } from '../hosted/manifests/inventory.ts';
import { PullCounter } from '../hosted/pull-counter.ts';
import { RepositoryDeletionTask } from '../hosted/repositories/repository-deletion.ts';
import { RepositoryMeasuringTask } from '../hosted/repositories/repository-measuring.ts';
import { CleanupTask } from '../hosted/tags/cleanup.ts';
import { TagDeletionTask } from '../hosted/tags/tag-deletion.ts';
import { UploadExpiry } from '../hosted/uploads/upload-expiry.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { TagPatterns } from '../rules/tag-protection.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { BufferBudget } from '../storage/chunk-reader.ts';
import type { UploadStore } from '../storage/upload-store.ts';

export interface HostingParts {
  readonly config: Config;
  readonly database: Database;
  readonly store: BlobStore;
  readonly uploads: UploadStore;
  readonly log: Log;
  readonly now: () => number;
}

export function createHosting({ config, ...given }: HostingParts) {
  const parts = { ...given, tagPatterns: new TagPatterns() };
  const { deleteEnabled, protectReferencedManifests } = config.storage;
  const limits = { ...config.hosted, deleteEnabled, protectReferencedManifests };
  const rules: ChangeRules = { limits, tagPatterns: parts.tagPatterns };
  const pulls = new PullCounter({
    records: parts.database.pullCounts,
    flushMs: config.cache.usageFlushMs,
    now: parts.now,
    log: parts.log,
  });
  const repositories = new HostedRepositories({
    ...parts,
    pulls,
    buffers: new BufferBudget(),
    tellsReferences: config.webhooks.includeReferences,
    limits,
  });
  const expiry = new UploadExpiry({ ...parts, expiryMs: config.hosted.uploadExpiryMs });
  const imageFacts = new ImageFactsReader(parts);
  const inventory = new HostedInventory({ ...parts, facts: imageFacts });
  const tasks = [
    expiry,
    new CleanupTask(parts),
    new TagDeletionTask(parts),
    new RepositoryDeletionTask(parts),
    new RepositoryMeasuringTask(parts),
  ];
  const imageDetails = new ImageDetailsReader(parts, imageFacts);
  return { repositories, rules, inventory, tasks, imageFacts, imageDetails, pulls };
}
