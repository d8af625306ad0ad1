/** The table of what is wrong with stored bytes; conventions as in schema.ts. */
import type { Generated } from 'kysely';

export interface ScrubTables {
  storage_findings: StorageFindingTable;
}

/** unique storage_key */
interface StorageFindingTable {
  id: Generated<number>;
  /** corrupt: bytes of another digest; missing: a record without bytes; orphaned: bytes without a record */
  kind: 'corrupt' | 'missing' | 'orphaned';
  digest: string;
  storage_key: string;
  size: number;
  /** 1: a repository that is pushed to linked it */
  hosted: number;
  /** open: nobody can have it from here; healed: another copy is, or nobody asks for it any more; removed: the bytes are gone */
  state: 'open' | 'healed' | 'removed';
  found_at: number;
  settled_at: number | null;
}
