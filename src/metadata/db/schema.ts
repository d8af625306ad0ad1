/**
 * The tables, the same on SQLite and PostgreSQL. Instants are epoch milliseconds, booleans 0 or 1, lists JSON text.
 * Those that do not stand beside their class yet.
 */
import type { CacheRetentionTables } from '../cached/schema-cache-retention.ts';
import type { CollectorTables } from '../collector/schema-collector.ts';
import type { ImageFactsTables } from '../content/schema-image-facts.ts';
import type { CleanupPolicyTables } from '../hosted/schema-cleanup-policies.ts';
import type { HostedTables } from '../hosted/schema-hosted.ts';
import type { ProtectionTables } from '../hosted/schema-protection.ts';

export interface Tables
  extends CacheRetentionTables,
    CleanupPolicyTables,
    CollectorTables,
    ImageFactsTables,
    ProtectionTables,
    HostedTables {
  manifests: ManifestTable;
  manifest_references: ManifestReferenceTable;
}

/** Payloads, byte for byte. What type one is read as is said by whatever links it. */
interface ManifestTable {
  digest: string;
  payload: Uint8Array;
  size: number;
  /** SHA-1 of the payload in hex, as of {@link BlobTable} */
  sha1: string;
  created_at: number;
}

/** What a manifest refers to; primary key (manifest_digest, kind, digest); index on digest. */
interface ManifestReferenceTable {
  manifest_digest: string;
  kind: 'config' | 'layer' | 'manifest' | 'subject';
  digest: string;
  media_type: string;
  size: number;
}
