/** Payloads of manifests, byte for byte. They are written together with what links them. */
import type { Kysely } from 'kysely';
import type { Digest } from '../oci/digest.ts';
import { bufferOf } from './manifest-payloads.ts';
import type { Tables } from './schema.ts';

export class Manifests {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async findPayload(digest: Digest): Promise<Buffer | undefined> {
    const query = this.#db.selectFrom('manifests').select('payload').where('digest', '=', digest);
    const row = await query.executeTakeFirst();
    return row && bufferOf(row.payload);
  }
}
