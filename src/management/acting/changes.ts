/** Changes of what belongs to groups, and what of them is refused. */
import { HostedRefusal } from '../../hosted/changes/refusal.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import { MissingOwner, type UniqueConstraint, UniqueViolation } from '../../metadata/db/violations.ts';
import { OciError } from '../../oci/errors.ts';
import { refusedErrorOf } from './hosted-refusals.ts';
import type { PullCaches } from './pull-caches.ts';
import { type Faults, RefusedError } from './refused-error.ts';

const taken = ['has already been taken'];

/** The attribute to which it is put down that there is such a record already. */
const takenAttributes: Partial<Record<UniqueConstraint, Faults>> = {
  groups_full_path: { path: taken },
  groups_user_id: { path: taken },
  projects_full_path: { path: taken },
  repositories_name: { path: taken },
  virtual_registries_group_id_name: { name: taken },
  registry_upstreams_registry_id_upstream_id: { upstream_id: taken },
  cache_retention_policies_group_id: { group: taken },
};

/** Where no attribute is at fault: two asked for the same at once. */
const conflicts: Partial<Record<UniqueConstraint, string>> = {
  users_username: 'Username has already been taken',
  members_group_id_user_id: 'Member already exists',
  members_project_id_user_id: 'Member already exists',
};

/**
 * Runs in one transaction.
 * @throws RefusedError invalid or conflict for what exists already, not-found for what was removed meanwhile, and for whatever hosted
 * repositories refuse; whatever `run` throws
 */
export async function runChange<T>(
  database: Pick<Database, 'transaction'>,
  run: (tx: Records) => Promise<T>,
): Promise<T> {
  try {
    return await database.transaction(run);
  } catch (error) {
    throw refusalOf(error);
  }
}

/** Changes of what virtual registries are made of: pulls see the result at once. */
export class Changes {
  readonly #database: Pick<Database, 'transaction'>;
  readonly #caches: PullCaches;

  constructor(database: Pick<Database, 'transaction'>, caches: PullCaches) {
    this.#database = database;
    this.#caches = caches;
  }

  /** As {@link runChange}. */
  async run<T extends { readonly groupId: number }>(run: (tx: Records) => Promise<T>): Promise<T> {
    const changed = await runChange(this.#database, run);
    this.#caches.forgetGroup(changed.groupId);
    return changed;
  }
}

/** As {@link refusalOf}, and what a push would be refused for, too. */
export function pushRefusalOf(error: unknown): unknown {
  const refusal = refusalOf(error);
  return refusal instanceof OciError && refusal.status < 500
    ? new RefusedError('conflict', `409 Conflict - ${refusal.message}`, { cause: error })
    : refusal;
}

/** What a change was refused for, in the words of the REST API; whatever else it failed of, as it is. */
function refusalOf(error: unknown): unknown {
  if (error instanceof HostedRefusal) return refusedErrorOf(error);
  if (error instanceof MissingOwner) return new RefusedError('not-found', undefined, { cause: error });
  if (!(error instanceof UniqueViolation)) return error;
  const conflict = conflicts[error.constraint];
  if (conflict !== undefined) return new RefusedError('conflict', conflict, { cause: error });
  const faults = takenAttributes[error.constraint];
  return faults ? new RefusedError('invalid', faults, { cause: error }) : error;
}
