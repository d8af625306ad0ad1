/** The keys that sign registry tokens, for administrators. Every process notices a new one before it signs. */
import type { SigningKeyState, SigningKeys } from '../../auth/tokens/signing-keys.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { demandAdministrator } from '../acting/rights.ts';

export interface SigningKeyServiceOptions {
  readonly database: Database;
  /** The keys as these records have them. */
  readonly keysOf: (
    records: Pick<Records, 'signingKeys' | 'instance'>,
  ) => Pick<SigningKeys, 'describe' | 'rotate'>;
}

export class SigningKeyService {
  readonly #options: SigningKeyServiceOptions;

  constructor(options: SigningKeyServiceOptions) {
    this.#options = options;
  }

  /** Oldest first. @throws RefusedError unauthorized, forbidden */
  async list(actor: Actor): Promise<readonly SigningKeyState[]> {
    demandAdministrator(actor, 'read');
    const { database, keysOf } = this.#options;
    return keysOf(database).describe();
  }

  /**
   * Makes a key that signs as soon as all others are retired.
   * @param inMs milliseconds until then; undefined: as soon as every process can know of it
   * @returns all keys, oldest first
   * @throws RefusedError unauthorized, forbidden
   */
  async rotate(actor: Actor, inMs: number | undefined): Promise<readonly SigningKeyState[]> {
    demandAdministrator(actor, 'write');
    const { database, keysOf } = this.#options;
    return database.transaction(async (tx) => {
      const keys = keysOf(tx);
      const { kid } = await keys.rotate(inMs);
      const states = await keys.describe();
      const retired = states.filter(({ retiredAt }) => retiredAt !== undefined).map((key) => key.kid);
      await recordChange(tx, actor, { action: 'signing_key.rotate', targetId: kid, details: { retired } });
      return states;
    });
  }
}
