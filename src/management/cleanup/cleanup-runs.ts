/** Cleanup policies of projects that are run when someone asks for it. */
import { demandDeleting } from '../../hosted/changes/deletions.ts';
import type { ChangeRules } from '../../hosted/hosted-options.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';

export interface CleanupRunOptions {
  readonly database: Database;
  /** Runs a task soon. */
  readonly wake: (task: string) => void;
  readonly rules: ChangeRules;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class CleanupRunService {
  readonly #options: CleanupRunOptions;
  readonly #rights = new Rights();

  constructor(options: CleanupRunOptions) {
    this.#options = options;
  }

  /**
   * Lets a run begin soon, for Maintainers; when the policy is due next stays as it is.
   * @throws RefusedError not-found, forbidden, bad-request where it is disabled or nothing may be deleted, conflict while it runs
   */
  async request(actor: Actor, reference: string): Promise<void> {
    const { database, wake, rules, now } = this.#options;
    await runChange(database, async (tx) => {
      const { id, fullPath } = await this.#rights.getProject(tx, actor, reference, 'write');
      demandDeleting(rules);
      const policy = await tx.cleanupPolicies.find(id);
      if (!policy?.enabled)
        throw new RefusedError(
          'bad-request',
          'the cleanup policy of this project is disabled: enable it by container_expiration_policy_attributes first',
        );
      if (!(await tx.cleanupPolicies.request(id, now())))
        throw new RefusedError('conflict', '409 Conflict - the cleanup policy runs already');
      await recordChange(tx, actor, {
        action: 'cleanup_policy.run',
        targetId: id,
        details: {},
        projectPath: fullPath,
      });
    });
    wake('cleanup_policies.run');
  }
}
