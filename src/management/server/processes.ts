/** The processes that share the records, for administrators. */
import type { Database } from '../../metadata/db/database.ts';
import type { ProcessRecord } from '../../metadata/server/processes.ts';
import type { Actor } from '../acting/actor.ts';
import { demandAdministrator } from '../acting/rights.ts';

export class ProcessService {
  readonly #database: Pick<Database, 'processes'>;

  constructor({ database }: { readonly database: Pick<Database, 'processes'> }) {
    this.#database = database;
  }

  /** The oldest first. @throws RefusedError unauthorized, forbidden */
  async list(actor: Actor): Promise<readonly ProcessRecord[]> {
    demandAdministrator(actor, 'read');
    return this.#database.processes.list();
  }
}
