/** Tokens of CI jobs, which end with the job. */
import type { Kysely, Selectable } from 'kysely';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import { MissingOwner } from '../db/violations.ts';
import { isOfLife, revokeToken } from './token-life.ts';

export interface JobToken {
  readonly id: number;
  readonly projectId: number;
  /** The project's full path. */
  readonly projectPath: string;
  /** For whom the job runs; undefined: for nobody in particular. */
  readonly userId: number | undefined;
  /** The trust at which it was exchanged, and with which it goes; undefined: minted by the API. */
  readonly trustId: number | undefined;
  readonly name: string;
  /** As of {@link Member.accessLevel}, in its own project. */
  readonly accessLevel: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
}

export interface NewJobToken {
  readonly projectId: number;
  readonly userId?: number | undefined;
  readonly trustId?: number | undefined;
  readonly name: string;
  readonly accessLevel: number;
  /** SHA-256 of the token in hex; the token itself is kept nowhere. */
  readonly tokenHash: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export interface JobTokenFilter {
  readonly projectId?: number | undefined;
  /** Neither revoked nor expired; or one of them. */
  readonly isActive?: boolean | undefined;
}

export class JobTokens {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Newest first. */
  async list({ projectId, isActive }: JobTokenFilter, page: Page): Promise<Paged<JobToken>> {
    let matching = this.#ofProjects();
    if (projectId !== undefined) matching = matching.where('job_tokens.project_id', '=', projectId);
    if (isActive !== undefined) matching = matching.where(isOfLife('job_tokens', isActive, this.#now()));
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll('job_tokens')
      .select('projects.full_path')
      .orderBy('job_tokens.id', 'desc')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }

  /** Also one that is over. */
  async find(id: number): Promise<JobToken | undefined> {
    return this.#findBy('id', id);
  }

  /** Also one that is over. */
  async findByHash(tokenHash: string): Promise<JobToken | undefined> {
    return this.#findBy('token_hash', tokenHash);
  }

  async #findBy(column: 'id' | 'token_hash', value: number | string): Promise<JobToken | undefined> {
    const row = await this.#ofProjects()
      .selectAll('job_tokens')
      .select('projects.full_path')
      .where(`job_tokens.${column}`, '=', value)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  #ofProjects() {
    return this.#db.selectFrom('job_tokens').innerJoin('projects', 'projects.id', 'job_tokens.project_id');
  }

  /** @throws UniqueViolation job_tokens_token_hash, MissingOwner */
  async create(token: NewJobToken): Promise<JobToken> {
    const { id } = await this.#db
      .insertInto('job_tokens')
      .values({
        project_id: token.projectId,
        user_id: token.userId ?? null,
        trust_id: token.trustId ?? null,
        name: token.name,
        access_level: token.accessLevel,
        token_hash: token.tokenHash,
        created_at: this.#now(),
        expires_at: token.expiresAt,
        revoked_at: null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const created = await this.find(id);
    if (!created) throw new MissingOwner(undefined);
    return created;
  }

  /** False when there is no such token or it was revoked before. */
  async revoke(id: number): Promise<boolean> {
    return revokeToken(this.#db, 'job_tokens', id, this.#now());
  }

  /** Revoked or not. How many there were. @param now epoch milliseconds */
  async removeExpired(now: number): Promise<number> {
    const query = this.#db.deleteFrom('job_tokens').where('expires_at', '<=', now);
    return Number((await query.executeTakeFirstOrThrow()).numDeletedRows);
  }
}

function fromRow(row: Selectable<Tables['job_tokens']> & { readonly full_path: string }): JobToken {
  return {
    id: row.id,
    projectId: row.project_id,
    projectPath: row.full_path,
    userId: row.user_id ?? undefined,
    trustId: row.trust_id ?? undefined,
    name: row.name,
    accessLevel: row.access_level,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at ?? undefined,
  };
}
