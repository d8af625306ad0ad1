/** What runs from time to time, for administrators. */
import type { Database } from '../../metadata/db/database.ts';
import type { TaskRecord } from '../../metadata/server/tasks.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandAdministrator } from '../acting/rights.ts';

export class TaskService {
  readonly #database: Database;

  constructor({ database }: { readonly database: Database }) {
    this.#database = database;
  }

  /** By name. @throws RefusedError unauthorized, forbidden */
  async list(actor: Actor): Promise<readonly TaskRecord[]> {
    demandAdministrator(actor, 'read');
    return this.#database.tasks.list();
  }

  /** Makes the task due now: a process takes it within a second or two. @throws RefusedError unauthorized, forbidden, not-found */
  async run(actor: Actor, name: string): Promise<void> {
    demandAdministrator(actor, 'write');
    await this.#database.transaction(async (tx) => {
      if (!(await tx.tasks.wake(name))) throw new RefusedError('not-found', 'Job');
      await recordChange(tx, actor, { action: 'job.run', targetId: name, details: {} });
    });
  }
}
