/** Who is signed in by a cookie. */
import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/schema.ts';

export interface Session {
  /** SHA-256 of the cookie in hex; the cookie itself is kept nowhere. */
  readonly idHash: string;
  readonly userId: number;
  /** SHA-256 in hex of what forms must repeat; undefined: nothing. */
  readonly csrfHash: string | undefined;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** Epoch milliseconds; the record stays until {@link Sessions.removeExpired}. */
  readonly expiresAt: number;
}

export interface NewSession {
  readonly idHash: string;
  readonly userId: number;
  readonly csrfHash?: string | undefined;
  readonly expiresAt: number;
}

export class Sessions {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Undefined also where its time is over. */
  async find(idHash: string): Promise<Session | undefined> {
    const row = await this.#db
      .selectFrom('sessions')
      .selectAll()
      .where('id_hash', '=', idHash)
      .where('expires_at', '>', this.#now())
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** @throws UniqueViolation sessions_id_hash, MissingOwner */
  async create({ idHash, userId, csrfHash, expiresAt }: NewSession): Promise<Session> {
    const now = this.#now();
    const row = await this.#db
      .insertInto('sessions')
      .values({
        id_hash: idHash,
        user_id: userId,
        csrf_hash: csrfHash ?? null,
        created_at: now,
        last_used_at: now,
        expires_at: expiresAt,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** It was used now, and lasts until then. False when there is none, or its time was over. @param expiresAt epoch milliseconds */
  async touch(idHash: string, expiresAt: number): Promise<boolean> {
    const now = this.#now();
    const { numUpdatedRows } = await this.#db
      .updateTable('sessions')
      .set({ last_used_at: now, expires_at: expiresAt })
      .where('id_hash', '=', idHash)
      .where('expires_at', '>', now)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** False when there was none. */
  async remove(idHash: string): Promise<boolean> {
    const query = this.#db.deleteFrom('sessions').where('id_hash', '=', idHash);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }

  /** How many there were. */
  async removeByUser(userId: number): Promise<number> {
    const query = this.#db.deleteFrom('sessions').where('user_id', '=', userId);
    return Number((await query.executeTakeFirstOrThrow()).numDeletedRows);
  }

  /** How many there were. @param now epoch milliseconds */
  async removeExpired(now: number): Promise<number> {
    const query = this.#db.deleteFrom('sessions').where('expires_at', '<=', now);
    return Number((await query.executeTakeFirstOrThrow()).numDeletedRows);
  }
}

function fromRow(row: Selectable<Tables['sessions']>): Session {
  return {
    idHash: row.id_hash,
    userId: row.user_id,
    csrfHash: row.csrf_hash ?? undefined,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  };
}
