/** Personal access tokens: made and shown once, listed without their text, rotated, revoked. */
import { isAdministrator } from '../../auth/rights/access.ts';
import type { UserIdentity } from '../../auth/rights/identity.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { AccessToken, AccessTokenFilter } from '../../metadata/tokens/access-tokens.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandAdministrator } from '../acting/rights.ts';
import {
  type AccessTokenInput,
  demandPerson,
  recordAccessToken,
  revokeAccessToken,
  rotateAccessToken,
} from './access-token-records.ts';
import { demandLater, type NewToken, type TokenServiceOptions } from './new-tokens.ts';

export type { AccessToken, AccessTokenInput };

export class AccessTokenService {
  readonly #database: Database;
  readonly #now: () => number;

  constructor({ database, now }: TokenServiceOptions) {
    this.#database = database;
    this.#now = now;
  }

  /** People make tokens of their own, and administrators those of anyone. @throws RefusedError forbidden, not-found, invalid */
  async create(actor: Actor, userId: number, input: AccessTokenInput): Promise<NewToken<AccessToken>> {
    if (userOf(actor).userId !== userId) demandAdministrator(actor, 'write');
    demandLater(input.expiresAt, this.#now());
    return this.#database.transaction(async (tx) => {
      await demandPerson(tx, actor);
      const user = await tx.users.find(userId);
      if (!user) throw new RefusedError('not-found', 'User');
      if (user.kind === 'bot')
        throw new RefusedError('forbidden', 'a bot has the one token it was made with');
      return recordAccessToken(tx, actor, user, input);
    });
  }

  /** People see their own tokens, administrators all, as far as the filter goes; newest first. @throws RefusedError unauthorized */
  async list(actor: Actor, filter: AccessTokenFilter, page: Page): Promise<Paged<AccessToken>> {
    const user = userOf(actor);
    if (isAdministrator(user, 'read')) return this.#database.accessTokens.list(filter, page);
    if ((filter.userId ?? user.userId) !== user.userId) throw new RefusedError('unauthorized');
    return this.#database.accessTokens.list({ ...filter, userId: user.userId }, page);
  }

  /** People get tokens of their own, administrators any. @throws RefusedError unauthorized, not-found */
  async get(actor: Actor, id: number): Promise<AccessToken> {
    return getOwn(this.#database, userOf(actor), id, 'read');
  }

  /** The token that the actor came with. @throws RefusedError unauthorized, bad-request where they came without */
  async getCurrent(actor: Actor): Promise<AccessToken> {
    const token = await this.#database.accessTokens.find(currentId(actor));
    if (!token) throw new RefusedError('unauthorized');
    return token;
  }

  /**
   * Puts another token in the place of one's own, or for administrators of any, which is good no more.
   * @param expiresAt epoch milliseconds; undefined: in a week
   * @throws RefusedError unauthorized, not-found, invalid, bad-request where it is not good any more
   */
  async rotate(actor: Actor, id: number, expiresAt: number | undefined): Promise<NewToken<AccessToken>> {
    return this.#database.transaction(async (tx) => {
      const token = await getOwn(tx, userOf(actor), id, 'write');
      return rotateAccessToken(tx, actor, token, expiresAt, this.#now());
    });
  }

  /** As {@link rotate}, for the token that the actor came with. @throws RefusedError unauthorized, invalid, bad-request */
  async rotateCurrent(actor: Actor, expiresAt: number | undefined): Promise<NewToken<AccessToken>> {
    return this.rotate(actor, currentId(actor), expiresAt);
  }

  /** The token is refused at once; it may have been revoked before. @throws RefusedError unauthorized, not-found */
  async revoke(actor: Actor, id: number): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await revokeAccessToken(tx, actor, await getOwn(tx, userOf(actor), id, 'write'));
    });
  }

  /** Whoever holds a token may end it, whatever it is for. @throws RefusedError unauthorized, bad-request */
  async revokeCurrent(actor: Actor): Promise<void> {
    const token = await this.getCurrent(actor);
    await this.#database.transaction((tx) => revokeAccessToken(tx, actor, token));
  }
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
