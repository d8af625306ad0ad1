/**
 * The tables, the same on SQLite and PostgreSQL. Instants are epoch milliseconds, booleans 0 or 1, lists JSON text.
 * Only this folder knows them.
 */
import type { Generated } from 'kysely';
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
  virtual_registries: VirtualRegistryTable;
  upstreams: UpstreamTable;
  registry_upstreams: RegistryUpstreamTable;
  manifests: ManifestTable;
  manifest_references: ManifestReferenceTable;
}

/** unique (group_id, name) */
interface VirtualRegistryTable {
  id: Generated<number>;
  group_id: number;
  name: string;
  description: string | null;
  /** whether everyone may pull, whoever they are */
  anonymous_pull: Generated<number>;
  created_at: number;
  updated_at: number;
}

interface UpstreamTable {
  id: Generated<number>;
  group_id: number;
  url: string;
  name: string;
  description: string | null;
  username: string | null;
  /** encrypted with the installation's secret key */
  password_sealed: string | null;
  cache_validity_hours: number;
  /** JSON lists of globs */
  allow_patterns: string;
  deny_patterns: string;
  allow_private_network: number;
  created_at: number;
  updated_at: number;
}

/** unique (registry_id, upstream_id); positions are 1..n without gaps, kept so by whoever changes them */
interface RegistryUpstreamTable {
  id: Generated<number>;
  registry_id: number;
  upstream_id: number;
  position: number;
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
