/** Who a personal access token stands for, or the token of a group's or project's bot. */

import type { User, Users } from '../../metadata/people/users.ts';
import type { AccessToken, AccessTokens } from '../../metadata/tokens/access-tokens.ts';
import type { Log } from '../../observe/log.ts';
import { markPassword } from '../credentials/passwords.ts';
import { type Refusal, refuse } from '../credentials/refusal.ts';
import { Beliefs, type BeliefsOptions } from '../rights/beliefs.ts';
import { isTokenScope, type UserIdentity } from '../rights/identity.ts';
import { findFault, noteUse } from './recorded-tokens.ts';
import { hashAccessToken, mayBeAccessToken } from './token-secret.ts';

export interface AccessTokenVerifierOptions extends BeliefsOptions {
  readonly accessTokens: Pick<AccessTokens, 'findByHash' | 'noteUse'>;
  readonly users: Pick<Users, 'find'>;
  readonly log: Log;
}

export class AccessTokenVerifier {
  readonly #options: AccessTokenVerifierOptions;
  readonly #answers: Beliefs<UserIdentity | Refusal>;

  constructor(options: AccessTokenVerifierOptions) {
    this.#options = options;
    this.#answers = new Beliefs(options);
  }

  async verify(token: string): Promise<UserIdentity | Refusal> {
    if (!mayBeAccessToken(token)) return refuse('unknown', 'it is no access token');
    const tokenHash = hashAccessToken(token);
    const answer = await this.#answers.find(tokenHash, () => this.#look(tokenHash));
    return answer?.value ?? refuse('unknown');
  }

  async #look(tokenHash: string): Promise<UserIdentity | Refusal> {
    const { accessTokens, users, log, now } = this.#options;
    const token = await accessTokens.findByHash(tokenHash);
    const owner = await identifyTokenOwner(token, users, now());
    if (token && owner.kind === 'user') await noteUse(token, { records: accessTokens, log, now });
    return owner;
  }
}

/** @param now epoch ms */
export async function identifyTokenOwner(
  token: AccessToken | undefined,
  users: Pick<Users, 'find'>,
  now: number,
): Promise<UserIdentity | Refusal> {
  if (!token) return refuse('unknown', 'there is no such access token');
  const fault = findFault(token, now);
  if (fault) return fault;
  const found = identifyUser(await users.find(token.userId));
  if (found.kind === 'refused') return found;
  const { passwordMark: _, ...owner } = found;
  return { ...owner, scopes: token.scopes.filter(isTokenScope), tokenId: token.id };
}

/** As who gave their password. */
export function identifyUser(user: User | undefined): UserIdentity | Refusal {
  if (!user) return refuse('unknown', 'there is no such user');
  if (user.state === 'blocked') return refuse('blocked');
  const { id, username, isAdmin, botOf, passwordHash } = user;
  return {
    kind: 'user',
    userId: id,
    username,
    isAdmin,
    scopes: 'all',
    ...(botOf?.projectId !== undefined && { isProjectBot: true }),
    ...(passwordHash !== undefined && { passwordMark: markPassword(passwordHash) }),
  };
}
