/** Tokens of a group or a project, which act for nobody. */
import type { Kysely, Selectable } from 'kysely';
import { fromJsonList, toJsonList } from '../db/json-list.ts';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import { MissingOwner } from '../db/violations.ts';
import type { PlaceKey } from '../namespaces/place.ts';
import { isOfLife, revokeToken } from './token-life.ts';

const usernamePrefix = 'gitlab+deploy-token-';

export interface DeployToken {
  readonly id: number;
  readonly place: { readonly kind: 'group' | 'project'; readonly id: number; readonly fullPath: string };
  readonly name: string;
  readonly username: string;
  readonly scopes: readonly string[];
  /** Undefined: the system, or a user who is gone. */
  readonly createdBy: number | undefined;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
  readonly lastUsedAt: number | undefined;
}

export interface NewDeployToken {
  readonly place: PlaceKey;
  readonly name: string;
  /** `gitlab+deploy-token-<id>` where left out. */
  readonly username?: string | undefined;
  /** SHA-256 of the token in hex; the token itself is kept nowhere. */
  readonly tokenHash: string;
  readonly scopes: readonly string[];
  readonly expiresAt?: number | undefined;
  readonly createdBy?: number | undefined;
}

export interface DeployTokenFilter {
  /** Undefined: of all groups and projects. */
  readonly place?: PlaceKey | undefined;
  /** Neither revoked nor expired; or one of them. */
  readonly isActive?: boolean | undefined;
}

export class DeployTokens {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Oldest first. */
  async list({ place, isActive }: DeployTokenFilter, page: Page): Promise<Paged<DeployToken>> {
    let matching = this.#placed();
    if (place?.groupId !== undefined) matching = matching.where('deploy_tokens.group_id', '=', place.groupId);
    if (place?.projectId !== undefined)
      matching = matching.where('deploy_tokens.project_id', '=', place.projectId);
    if (isActive !== undefined) matching = matching.where(isOfLife('deploy_tokens', isActive, this.#now()));
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll('deploy_tokens')
      .select(['groups.full_path as group_path', 'projects.full_path as project_path'])
      .orderBy('deploy_tokens.id')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }

  async find(id: number): Promise<DeployToken | undefined> {
    return this.#findBy('id', id);
  }

  async findByHash(tokenHash: string): Promise<DeployToken | undefined> {
    return this.#findBy('token_hash', tokenHash);
  }

  async #findBy(column: 'id' | 'token_hash', value: number | string): Promise<DeployToken | undefined> {
    const row = await this.#placed()
      .selectAll('deploy_tokens')
      .select(['groups.full_path as group_path', 'projects.full_path as project_path'])
      .where(`deploy_tokens.${column}`, '=', value)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  #placed() {
    return this.#db
      .selectFrom('deploy_tokens')
      .leftJoin('groups', 'groups.id', 'deploy_tokens.group_id')
      .leftJoin('projects', 'projects.id', 'deploy_tokens.project_id');
  }

  /** @throws UniqueViolation deploy_tokens_token_hash, MissingOwner */
  async create(token: NewDeployToken): Promise<DeployToken> {
    const { id } = await this.#db
      .insertInto('deploy_tokens')
      .values({
        group_id: token.place.groupId ?? null,
        project_id: token.place.projectId ?? null,
        name: token.name,
        username: token.username ?? null,
        token_hash: token.tokenHash,
        scopes: toJsonList(token.scopes),
        created_by: token.createdBy ?? null,
        created_at: this.#now(),
        expires_at: token.expiresAt ?? null,
        revoked_at: null,
        last_used_at: null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const created = await this.find(id);
    if (!created) throw new MissingOwner(undefined);
    return created;
  }

  /** False when there is no such token or it was revoked before. */
  async revoke(id: number): Promise<boolean> {
    return revokeToken(this.#db, 'deploy_tokens', id, this.#now());
  }

  /** @param at epoch milliseconds */
  async noteUse(id: number, at: number): Promise<void> {
    await this.#db.updateTable('deploy_tokens').set({ last_used_at: at }).where('id', '=', id).execute();
  }
}

interface Row extends Selectable<Tables['deploy_tokens']> {
  readonly group_path: string | null;
  readonly project_path: string | null;
}

function fromRow(row: Row): DeployToken {
  return {
    id: row.id,
    place: placeOf(row),
    name: row.name,
    username: row.username ?? `${usernamePrefix}${row.id}`,
    scopes: fromJsonList(row.scopes),
    createdBy: row.created_by ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}

function placeOf({ id, group_id, group_path, project_id, project_path }: Row): DeployToken['place'] {
  if (group_id !== null && group_path !== null) return { kind: 'group', id: group_id, fullPath: group_path };
  if (project_id !== null && project_path !== null)
    return { kind: 'project', id: project_id, fullPath: project_path };
  throw new Error(`deploy token ${id} belongs nowhere`);
}
