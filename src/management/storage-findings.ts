/** What was found wrong with stored bytes, for administrators. */
import type { Database } from '../metadata/database.ts';
import type { Page, Paged } from '../metadata/page.ts';
import type { Finding } from '../metadata/stored-blobs.ts';
import type { Actor } from './actor.ts';
import { demandAdministrator } from './rights.ts';

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
