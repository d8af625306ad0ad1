/** What was found wrong with stored bytes, for administrators. */

import type { Finding } from '../../metadata/content/stored-blobs.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Actor } from '../acting/actor.ts';
import { demandAdministrator } from '../acting/rights.ts';

export class StorageFindingService {
  readonly #database: Database;

  constructor({ database }: { readonly database: Database }) {
    this.#database = database;
  }

  /** Newest first; undefined: in any state. @throws RefusedError unauthorized, forbidden */
  async list(actor: Actor, state: Finding['state'] | undefined, page: Page): Promise<Paged<Finding>> {
    demandAdministrator(actor, 'read');
    return this.#database.storedBlobs.listFindings(state, page);
  }
}
