/** Personal access tokens: made and shown once, listed without their text, revoked. */
import { isAdministrator } from '../auth/access.ts';
import type { TokenScope, UserIdentity } from '../auth/identity.ts';
import { createAccessToken, hashAccessToken } from '../auth/token-secret.ts';
import type { AccessToken, AccessTokenFilter } from '../metadata/access-tokens.ts';
import type { Database } from '../metadata/database.ts';
import type { Page, Paged } from '../metadata/page.ts';
import type { Records } from '../metadata/records.ts';
import { type Actor, userOf } from './actor.ts';
import { recordChange } from './audit.ts';
import { RefusedError } from './refused-error.ts';
import { demandAdministrator } from './rights.ts';

export type { AccessToken };

export interface AccessTokenInput {
  readonly name: string;
  readonly description?: string | undefined;
  readonly scopes: readonly TokenScope[];
  /** Epoch milliseconds; undefined: never. */
  readonly expiresAt?: number | undefined;
}

export interface CreatedAccessToken {
  readonly record: AccessToken;
  /** The token itself, which nobody can read again. */
  readonly token: string;
}

export interface AccessTokenServiceOptions {
  readonly database: Database;
  /** epoch ms */
  readonly now: () => number;
}

export class AccessTokenService {
  readonly #database: Database;
  readonly #now: () => number;

  constructor({ database, now }: AccessTokenServiceOptions) {
    this.#database = database;
    this.#now = now;
  }

  /** For one's own account, and for administrators. @throws RefusedError forbidden, not-found, invalid */
  async create(actor: Actor, userId: number, input: AccessTokenInput): Promise<CreatedAccessToken> {
    if (userOf(actor).userId !== userId) demandAdministrator(actor, 'write');
    if (input.expiresAt !== undefined && input.expiresAt <= this.#now()) {
      throw new RefusedError('invalid', { expires_at: ['must be in the future'] });
    }
    return this.#database.transaction(async (tx) => {
      if (!(await tx.users.find(userId))) throw new RefusedError('not-found', 'User');
      return recordAccessToken(tx, actor, userId, input);
    });
  }

  /** Newest first: one's own, or for administrators those of the filter. @throws RefusedError unauthorized */
  async list(actor: Actor, filter: AccessTokenFilter, page: Page): Promise<Paged<AccessToken>> {
    const user = userOf(actor);
    if (isAdministrator(user, 'read')) return this.#database.accessTokens.list(filter, page);
    if ((filter.userId ?? user.userId) !== user.userId) throw new RefusedError('unauthorized');
    return this.#database.accessTokens.list({ ...filter, userId: user.userId }, page);
  }

  /** One's own, or for administrators any. @throws RefusedError unauthorized, not-found */
  async get(actor: Actor, id: number): Promise<AccessToken> {
    return getOwn(this.#database, userOf(actor), id, 'read');
  }

  /** The one the actor came with. @throws RefusedError unauthorized, bad-request where they came without */
  async getCurrent(actor: Actor): Promise<AccessToken> {
    const token = await this.#database.accessTokens.find(currentId(actor));
    if (!token) throw new RefusedError('unauthorized');
    return token;
  }

  /** At once, whether or not it was before. @throws RefusedError unauthorized, not-found */
  async revoke(actor: Actor, id: number): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await getOwn(tx, userOf(actor), id, 'write');
      await revoke(tx, actor, id);
    });
  }

  /** Whatever it is for: whoever holds a token may end it. @throws RefusedError unauthorized, bad-request */
  async revokeCurrent(actor: Actor): Promise<void> {
    const id = currentId(actor);
    await this.#database.transaction((tx) => revoke(tx, actor, id));
  }
}

/** @param token its text, where the operator chose it. Part of a transaction that checked the rights. */
export async function recordAccessToken(
  tx: Records,
  actor: Actor,
  userId: number,
  { name, description, scopes, expiresAt }: AccessTokenInput,
  token: string = createAccessToken(),
): Promise<CreatedAccessToken> {
  const tokenHash = hashAccessToken(token);
  const record = await tx.accessTokens.create({ userId, name, description, tokenHash, scopes, expiresAt });
  const details = { name, user_id: userId, scopes, expires_at: expiresAt };
  await recordChange(tx, actor, { action: 'personal_access_token.create', targetId: record.id, details });
  return { record, token };
}

async function revoke(tx: Records, actor: Actor, id: number): Promise<void> {
  if (!(await tx.accessTokens.revoke(id))) return;
  await recordChange(tx, actor, { action: 'personal_access_token.revoke', targetId: id, details: {} });
}

/** Only administrators are told whether a token of someone else exists. */
async function getOwn(
  records: Pick<Records, 'accessTokens'>,
  user: UserIdentity,
  id: number,
  purpose: 'read' | 'write',
): Promise<AccessToken> {
  const token = await records.accessTokens.find(id);
  if (isAdministrator(user, purpose)) {
    if (!token) throw new RefusedError('not-found');
    return token;
  }
  if (token?.userId !== user.userId) throw new RefusedError('unauthorized');
  return token;
}

function currentId(actor: Actor): number {
  const { tokenId } = userOf(actor);
  if (tokenId === undefined) throw new RefusedError('bad-request', 'this request came without a token');
  return tokenId;
}
