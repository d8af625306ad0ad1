/**
 * Read-only mode: pulls work, and nothing can be changed. The configuration sets it for one process; at run time it is set for all
 * processes on one database, which see it within a second.
 */
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandAdministrator } from '../acting/rights.ts';

export interface MaintenanceSettings {
  readonly isReadOnly: boolean;
  /** What is said to whoever wants to change something; undefined: something that fits. */
  readonly message: string | undefined;
}

/** What is undefined stays as it is; null clears. */
export interface MaintenanceChanges {
  readonly isReadOnly?: boolean | undefined;
  readonly message?: string | null | undefined;
}

export interface MaintenanceModeOptions {
  readonly database: Database;
  /** The configuration says so, which cannot be undone at run time. */
  readonly readOnly: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const believedMs = 1000;
const keys = { isReadOnly: 'maintenance_mode', message: 'maintenance_mode_message' } as const;
const defaultMessage = 'this server is in read-only mode: pulls work, nothing can be changed';

export class MaintenanceMode {
  readonly #database: Database;
  readonly #isConfigured: boolean;
  readonly #now: () => number;
  #belief: { readonly at: number; readonly settings: Promise<MaintenanceSettings> } | undefined;

  constructor({ database, readOnly, now }: MaintenanceModeOptions) {
    this.#database = database;
    this.#isConfigured = readOnly;
    this.#now = now;
  }

  /** Why nothing can be changed now, for people to read; undefined: it can. */
  async readOnlyReason(): Promise<string | undefined> {
    const { isReadOnly, message } = await this.#believe();
    return isReadOnly ? (message ?? defaultMessage) : undefined;
  }

  /** Administrators see it. @throws RefusedError unauthorized, forbidden */
  async get(actor: Actor): Promise<MaintenanceSettings> {
    demandAdministrator(actor, 'read');
    return this.#read(this.#database);
  }

  /** Administrators set it. @throws RefusedError unauthorized, forbidden, conflict */
  async set(actor: Actor, changes: MaintenanceChanges): Promise<MaintenanceSettings> {
    demandAdministrator(actor, 'write');
    const { isReadOnly, message } = changes;
    if (isReadOnly === false && this.#isConfigured) {
      throw new RefusedError(
        'conflict',
        '409 Conflict - maintenance.read_only is true in the configuration, and can only be undone there',
      );
    }
    const settings = await this.#database.transaction(async (tx) => {
      if (isReadOnly !== undefined) await tx.instance.set(keys.isReadOnly, isReadOnly ? 'true' : undefined);
      if (message !== undefined) await tx.instance.set(keys.message, message || undefined);
      await recordChange(tx, actor, {
        action: 'application_setting.update',
        targetId: keys.isReadOnly,
        details: { [keys.isReadOnly]: isReadOnly, [keys.message]: message },
      });
      return this.#read(tx);
    });
    this.#belief = undefined;
    return settings;
  }

  #believe(): Promise<MaintenanceSettings> {
    const at = this.#now();
    if (this.#belief && Math.abs(at - this.#belief.at) < believedMs) return this.#belief.settings;
    const belief = { at, settings: this.#read(this.#database) };
    this.#belief = belief;
    belief.settings.catch(() => {
      if (this.#belief === belief) this.#belief = undefined;
    });
    return belief.settings;
  }

  async #read({ instance }: Pick<Records, 'instance'>): Promise<MaintenanceSettings> {
    const isSet = (await instance.get(keys.isReadOnly)) !== undefined;
    return { isReadOnly: this.#isConfigured || isSet, message: await instance.get(keys.message) };
  }
}
