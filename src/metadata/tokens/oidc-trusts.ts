/** Whose ID tokens stand for jobs of a project, and with which claims. */
import type { Kysely, Selectable } from 'kysely';
import { z } from 'zod';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import { MissingOwner } from '../db/violations.ts';

export interface OidcTrust {
  readonly id: number;
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  /** Undefined: where the issuer's discovery document says. */
  readonly jwksUrl: string | undefined;
  /** Claim → glob: a token must have them all. */
  readonly claims: Readonly<Record<string, string>>;
  readonly projectId: number;
  /** The project's full path. */
  readonly projectPath: string;
  /** As of {@link Member.accessLevel}, in the project. */
  readonly accessLevel: number;
  readonly createdAt: number;
}

export interface NewOidcTrust {
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl?: string | undefined;
  readonly claims: Readonly<Record<string, string>>;
  readonly projectId: number;
  readonly accessLevel: number;
}

export interface OidcTrustFilter {
  readonly projectId?: number | undefined;
}

const claimsSchema = z.record(z.string(), z.string());

export class OidcTrusts {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Oldest first. */
  async list({ projectId }: OidcTrustFilter, page: Page): Promise<Paged<OidcTrust>> {
    let matching = this.#ofProjects();
    if (projectId !== undefined) matching = matching.where('oidc_trusts.project_id', '=', projectId);
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll('oidc_trusts')
      .select('projects.full_path')
      .orderBy('oidc_trusts.id')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }

  /** Of this very issuer, oldest first. */
  async listByIssuer(issuer: string): Promise<readonly OidcTrust[]> {
    const rows = await this.#ofProjects()
      .selectAll('oidc_trusts')
      .select('projects.full_path')
      .where('oidc_trusts.issuer', '=', issuer)
      .orderBy('oidc_trusts.id')
      .execute();
    return rows.map(fromRow);
  }

  async find(id: number): Promise<OidcTrust | undefined> {
    const row = await this.#ofProjects()
      .selectAll('oidc_trusts')
      .select('projects.full_path')
      .where('oidc_trusts.id', '=', id)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  #ofProjects() {
    return this.#db.selectFrom('oidc_trusts').innerJoin('projects', 'projects.id', 'oidc_trusts.project_id');
  }

  /** @throws MissingOwner */
  async create(trust: NewOidcTrust): Promise<OidcTrust> {
    const { id } = await this.#db
      .insertInto('oidc_trusts')
      .values({
        name: trust.name,
        issuer: trust.issuer,
        audience: trust.audience,
        jwks_url: trust.jwksUrl ?? null,
        claims: JSON.stringify(trust.claims),
        project_id: trust.projectId,
        access_level: trust.accessLevel,
        created_at: this.#now(),
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const created = await this.find(id);
    if (!created) throw new MissingOwner(undefined);
    return created;
  }

  /** With the job tokens that were exchanged at it. False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('oidc_trusts').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}

function fromRow(row: Selectable<Tables['oidc_trusts']> & { readonly full_path: string }): OidcTrust {
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    audience: row.audience,
    jwksUrl: row.jwks_url ?? undefined,
    claims: claimsSchema.parse(JSON.parse(row.claims)),
    projectId: row.project_id,
    projectPath: row.full_path,
    accessLevel: row.access_level,
    createdAt: row.created_at,
  };
}
