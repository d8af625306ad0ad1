/** Wires what looks after stored bytes. */
import type { Config } from '../config/config.ts';
import { Orphans } from '../gc/orphans.ts';
import { Scrub, type ScrubObserver } from '../gc/scrub.ts';
import type { FindingTools } from '../gc/storage-findings.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import type { BlobInventory, BlobStore } from '../storage/blob-store.ts';

export interface ScrubbingParts {
  readonly config: Config;
  readonly database: Database;
  readonly store: BlobStore;
  readonly inventory: BlobInventory;
  readonly heal: FindingTools['heal'];
  readonly observer: ScrubObserver;
  readonly log: Log;
  readonly now: () => number;
}

export function createScrubbing({ config, ...parts }: ScrubbingParts) {
  return {
    scrub: new Scrub({ ...parts, ...config.scrub }),
    orphans: new Orphans(parts),
  };
}
