/** What hosted repositories are built from. */
import type { Admission } from '../admission/admission.ts';
import type { HotContent } from '../cache/hot-content.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import type { TagPatterns } from '../rules/tag-protection.ts';
import type { BlobReads } from '../storage/blob-reads.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import type { BufferBudget } from '../storage/chunk-reader.ts';
import type { UploadStore } from '../storage/upload-store.ts';
import type { SparseManifests } from './manifests/manifest-acceptance.ts';
import type { PullCounter } from './pull-counter.ts';

export interface HostedLimits {
  /** The size of one blob. */
  readonly maxUploadBytes: number;
  readonly maxManifestBytes: number;
  /** The references of one manifest. */
  readonly maxManifestReferences: number;
  /** The tags of one repository. */
  readonly maxTags: number;
  /** The unfinished uploads of one writer. */
  readonly maxUploads: number;
  /** How long an upload may take from its start. */
  readonly uploadExpiryMs: number;
  readonly sparseManifests: SparseManifests;
  /** Whether manifests, tags and blobs can be deleted. */
  readonly deleteEnabled: boolean;
  /** Whether what a manifest refers to is kept from being deleted. */
  readonly protectReferencedManifests: boolean;
}

export interface HostedOptions {
  readonly database: Database;
  readonly store: Pick<BlobStore, 'createSpool' | 'open' | 'delete'>;
  /** What clients get. */
  readonly reads: BlobReads;
  readonly uploads: UploadStore;
  readonly buffers: BufferBudget;
  /** Bytes alone: what a repository has is for the records to say. */
  readonly hot: Pick<HotContent, 'findBytes' | 'keepBytes'>;
  readonly limits: HostedLimits;
  readonly tagPatterns: TagPatterns;
  readonly pulls: Pick<PullCounter, 'count'>;
  /** What lets images in. */
  readonly admission: Pick<Admission, 'admit'>;
  /** Why nothing can be pulled or pushed now; undefined: it can. */
  readonly offReason?: () => Promise<string | undefined>;
  /** Whether those who are told of a manifest are told what it refers to. */
  readonly tellsReferences?: boolean;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The rules that every change goes by, whoever asks for it. */
export interface ChangeRules {
  readonly limits: Pick<HostedLimits, 'maxTags' | 'deleteEnabled' | 'protectReferencedManifests'>;
  readonly tagPatterns: TagPatterns;
}
