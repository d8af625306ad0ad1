/** Who is signed in by a cookie. */
import type { Insertable, Kysely } from 'kysely';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

export interface SessionTable {
  /** SHA-256 of the cookie in hex, the primary key; the cookie itself is kept nowhere. */
  idHash: string;
  userId: number;
  /** SHA-256 in hex of what forms must repeat; undefined: nothing. */
  csrfHash: Optional<string>;
  createdAt: number;
  lastUsedAt: number;
  /** Epoch milliseconds; the record stays until {@link Sessions.removeExpired}. */
  expiresAt: number;
}

export type Session = RecordOf<SessionTable>;

export type NewSession = Readonly<Omit<Insertable<SessionTable>, 'createdAt' | 'lastUsedAt'>>;

export class Sessions {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Undefined also where its time is over. */
  find(idHash: string): Promise<Session | undefined> {
    return this.#db
      .selectFrom('sessions')
      .selectAll()
      .where('idHash', '=', idHash)
      .where('expiresAt', '>', this.#now())
      .executeTakeFirst();
  }

  /** @throws UniqueViolation sessions_id_hash, MissingOwner */
  create(session: NewSession): Promise<Session> {
    const now = this.#now();
    return this.#db
      .insertInto('sessions')
      .values({ ...session, createdAt: now, lastUsedAt: now })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /**
   * The session was used now, and lasts until `expiresAt`. False when there is none, or its time was over.
   * @param expiresAt epoch milliseconds
   */
  async touch(idHash: string, expiresAt: number): Promise<boolean> {
    const now = this.#now();
    const { numUpdatedRows } = await this.#db
      .updateTable('sessions')
      .set({ lastUsedAt: now, expiresAt })
      .where('idHash', '=', idHash)
      .where('expiresAt', '>', now)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** False when there was none. */
  async remove(idHash: string): Promise<boolean> {
    const query = this.#db.deleteFrom('sessions').where('idHash', '=', idHash);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }

  /** Returns how many there were. */
  async removeByUser(userId: number): Promise<number> {
    const query = this.#db.deleteFrom('sessions').where('userId', '=', userId);
    return Number((await query.executeTakeFirstOrThrow()).numDeletedRows);
  }

  /** Returns how many there were. @param now epoch milliseconds */
  async removeExpired(now: number): Promise<number> {
    const query = this.#db.deleteFrom('sessions').where('expiresAt', '<=', now);
    return Number((await query.executeTakeFirstOrThrow()).numDeletedRows);
  }
}
