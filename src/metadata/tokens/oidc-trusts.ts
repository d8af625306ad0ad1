/** Whose ID tokens stand for jobs of a project, and with which claims. */
import type { Generated, Insertable, Kysely } from 'kysely';
import type { Page, Paged } from '../db/page.ts';
import { ascending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import { MissingOwner } from '../db/violations.ts';

/** index on issuer */
export interface OidcTrustTable {
  id: Generated<number>;
  name: string;
  issuer: string;
  audience: string;
  /** Undefined: where the issuer's discovery document says. */
  jwksUrl: Optional<string>;
  /** Claim → glob: a token must have them all. */
  claims: Readonly<Record<string, string>>;
  projectId: number;
  /** The {@link Member.accessLevel} of its jobs in the project. */
  accessLevel: number;
  createdAt: number;
}

export type OidcTrust = RecordOf<OidcTrustTable> & {
  /** The project's full path. */
  readonly projectPath: string;
};

export type NewOidcTrust = Readonly<Omit<Insertable<OidcTrustTable>, 'id' | 'createdAt'>>;

export interface OidcTrustFilter {
  readonly projectId?: number | undefined;
}

export class OidcTrusts {
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

  /** Oldest first. */
  list({ projectId }: OidcTrustFilter, page: Page): Promise<Paged<OidcTrust>> {
    let query = this.#ofProjects(this.#reading);
    if (projectId !== undefined) query = query.where('oidcTrusts.projectId', '=', projectId);
    return this.#pages.list(query, ascending('oidcTrusts.id'), page);
  }

  /** The trusts of this very issuer, oldest first. */
  listByIssuer(issuer: string): Promise<readonly OidcTrust[]> {
    return this.#ofProjects().where('oidcTrusts.issuer', '=', issuer).orderBy('oidcTrusts.id').execute();
  }

  find(id: number): Promise<OidcTrust | undefined> {
    return this.#ofProjects().where('oidcTrusts.id', '=', id).executeTakeFirst();
  }

  #ofProjects(db = this.#db) {
    return db
      .selectFrom('oidcTrusts')
      .innerJoin('projects', 'projects.id', 'oidcTrusts.projectId')
      .selectAll('oidcTrusts')
      .select('projects.fullPath as projectPath');
  }

  /** @throws MissingOwner */
  async create(trust: NewOidcTrust): Promise<OidcTrust> {
    const { id } = await this.#db
      .insertInto('oidcTrusts')
      .values({ ...trust, createdAt: this.#now() })
      .returning('id')
      .executeTakeFirstOrThrow();
    const created = await this.find(id);
    if (!created) throw new MissingOwner(undefined);
    return created;
  }

  /** The job tokens that were exchanged at it go with it. False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('oidcTrusts').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}
