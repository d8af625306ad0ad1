/** Tokens of a group or a project, which act for nobody. */
import type { Insertable, Kysely } from 'kysely';
import type { Page, Paged } from '../db/page.ts';
import { ascending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import { MissingOwner } from '../db/violations.ts';
import { isOf, type Place, type PlaceKey } from '../namespaces/place.ts';
import { isOfLife, type LastingTokenColumns, revokeToken } from './token-life.ts';

/** A token belongs to a group or to a project, never to both. */
export interface DeployTokenTable extends LastingTokenColumns {
  groupId: Optional<number>;
  projectId: Optional<number>;
  /** Undefined: `gitlab+deploy-token-` and the id. */
  username: Optional<string>;
  /** Undefined: the system, or a user who is gone. */
  createdBy: Optional<number>;
}

export type DeployToken = Omit<
  RecordOf<DeployTokenTable>,
  'groupId' | 'projectId' | 'username' | 'tokenHash'
> & {
  readonly place: Place;
  readonly username: string;
};

export type NewDeployToken = Readonly<
  Pick<Insertable<DeployTokenTable>, 'name' | 'username' | 'tokenHash' | 'scopes' | 'expiresAt' | 'createdBy'>
> & { readonly place: PlaceKey };

export interface DeployTokenFilter {
  /** Undefined: of all groups and projects. */
  readonly place?: PlaceKey | undefined;
  /** True: tokens that are neither revoked nor expired; false: the others. */
  readonly isActive?: boolean | undefined;
}

const usernamePrefix = 'gitlab+deploy-token-';

export class DeployTokens {
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
  async list({ place, isActive }: DeployTokenFilter, page: Page): Promise<Paged<DeployToken>> {
    let query = this.#placed(this.#reading);
    if (place) query = query.where(isOf(place, 'deployTokens'));
    if (isActive !== undefined) query = query.where(isOfLife('deployTokens', isActive, this.#now()));
    const found = await this.#pages.list(query, ascending('deployTokens.id'), page);
    return { ...found, records: found.records.map(tokenOf) };
  }

  find(id: number): Promise<DeployToken | undefined> {
    return this.#findBy('id', id);
  }

  findByHash(tokenHash: string): Promise<DeployToken | undefined> {
    return this.#findBy('tokenHash', tokenHash);
  }

  async #findBy(column: 'id' | 'tokenHash', value: number | string): Promise<DeployToken | undefined> {
    const found = await this.#placed().where(`deployTokens.${column}`, '=', value).executeTakeFirst();
    return found && tokenOf(found);
  }

  #placed(db = this.#db) {
    return db
      .selectFrom('deployTokens')
      .leftJoin('groups', 'groups.id', 'deployTokens.groupId')
      .leftJoin('projects', 'projects.id', 'deployTokens.projectId')
      .selectAll('deployTokens')
      .select((eb) => eb.fn.coalesce('groups.fullPath', 'projects.fullPath').as('fullPath'));
  }

  /** @throws UniqueViolation deploy_tokens_token_hash, MissingOwner */
  async create({ place, ...token }: NewDeployToken): Promise<DeployToken> {
    const { id } = await this.#db
      .insertInto('deployTokens')
      .values({ ...token, ...place, createdAt: this.#now() })
      .returning('id')
      .executeTakeFirstOrThrow();
    const created = await this.find(id);
    if (!created) throw new MissingOwner(undefined);
    return created;
  }

  /** False when there is no such token or it was revoked before. */
  revoke(id: number): Promise<boolean> {
    return revokeToken(this.#db, 'deployTokens', id, this.#now());
  }

  /** @param at epoch milliseconds */
  async noteUse(id: number, at: number): Promise<void> {
    await this.#db.updateTable('deployTokens').set({ lastUsedAt: at }).where('id', '=', id).execute();
  }
}

function tokenOf({
  groupId,
  projectId,
  fullPath,
  ...token
}: RecordOf<DeployTokenTable> & { readonly fullPath: string | null | undefined }): DeployToken {
  const id = groupId ?? projectId;
  if (id === undefined || !fullPath) throw new Error(`deploy token ${token.id} belongs nowhere`);
  return {
    ...token,
    username: token.username ?? `${usernamePrefix}${token.id}`,
    place: { kind: groupId === undefined ? 'project' : 'group', id, fullPath },
  };
}
