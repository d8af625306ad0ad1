/** Tokens of CI jobs, which end with the job. */
import type { Insertable, Kysely } from 'kysely';
import type { Page, Paged } from '../db/page.ts';
import { descending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import { MissingOwner } from '../db/violations.ts';
import { isOfLife, revokeToken, type TokenColumns } from './token-life.ts';

export interface JobTokenTable extends TokenColumns {
  projectId: number;
  /** For whom the job runs; undefined: for nobody in particular. */
  userId: Optional<number>;
  /** The trust at which it was exchanged, and with which it goes; undefined: the API made it. */
  trustId: Optional<number>;
  /** The {@link Member.accessLevel} in its own project. */
  accessLevel: number;
  expiresAt: number;
}

export type JobToken = Omit<RecordOf<JobTokenTable>, 'tokenHash'> & {
  /** The project's full path. */
  readonly projectPath: string;
};

export type NewJobToken = Readonly<Omit<Insertable<JobTokenTable>, 'id' | 'createdAt' | 'revokedAt'>>;

export interface JobTokenFilter {
  readonly projectId?: number | undefined;
  /** True: tokens that are neither revoked nor expired; false: the others. */
  readonly isActive?: boolean | undefined;
}

export class JobTokens {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, now: () => number, pages: Pages, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
    this.#pages = pages;
  }

  /** Newest first. */
  list({ projectId, isActive }: JobTokenFilter, page: Page): Promise<Paged<JobToken>> {
    let query = this.#ofProjects(this.#reading);
    if (projectId !== undefined) query = query.where('jobTokens.projectId', '=', projectId);
    if (isActive !== undefined) query = query.where(isOfLife('jobTokens', isActive, this.#now()));
    return this.#pages.list(query, descending('jobTokens.id'), page);
  }

  /** A token that is over is found, too. */
  find(id: number): Promise<JobToken | undefined> {
    return this.#ofProjects().where('jobTokens.id', '=', id).executeTakeFirst();
  }

  /** A token that is over is found, too. */
  findByHash(tokenHash: string): Promise<JobToken | undefined> {
    return this.#ofProjects().where('jobTokens.tokenHash', '=', tokenHash).executeTakeFirst();
  }

  #ofProjects(db = this.#db) {
    return db
      .selectFrom('jobTokens')
      .innerJoin('projects', 'projects.id', 'jobTokens.projectId')
      .selectAll('jobTokens')
      .select('projects.fullPath as projectPath');
  }

  /** @throws UniqueViolation job_tokens_token_hash, MissingOwner */
  async create(token: NewJobToken): Promise<JobToken> {
    const { id } = await this.#db
      .insertInto('jobTokens')
      .values({ ...token, createdAt: this.#now() })
      .returning('id')
      .executeTakeFirstOrThrow();
    const created = await this.find(id);
    if (!created) throw new MissingOwner(undefined);
    return created;
  }

  /** False when there is no such token or it was revoked before. */
  revoke(id: number): Promise<boolean> {
    return revokeToken(this.#db, 'jobTokens', id, this.#now());
  }

  /** Removes tokens whose time is over, revoked or not. Returns how many there were. @param now epoch milliseconds */
  async removeExpired(now: number): Promise<number> {
    const query = this.#db.deleteFrom('jobTokens').where('expiresAt', '<=', now);
    return Number((await query.executeTakeFirstOrThrow()).numDeletedRows);
  }
}
