/**
 * Who a personal access token stands for. An answer is believed for a second: a token on every request costs one query a
 * second, and revoking or blocking takes effect within it.
 */
import { LRUCache } from 'lru-cache';
import type { Log } from '../log.ts';
import type { AccessToken, AccessTokens } from '../metadata/access-tokens.ts';
import type { Users } from '../metadata/users.ts';
import { isTokenScope, type UserIdentity } from './identity.ts';
import { type Refusal, refuse } from './refusal.ts';
import { hashAccessToken, mayBeAccessToken } from './token-secret.ts';

const believedMs = 1000;
const usePrecisionMs = 60_000;
const maxRemembered = 10_000;

export interface AccessTokenVerifierOptions {
  readonly accessTokens: Pick<AccessTokens, 'findByHash' | 'noteUse'>;
  readonly users: Pick<Users, 'find'>;
  readonly log: Log;
  readonly now: () => number;
}

export class AccessTokenVerifier {
  readonly #options: AccessTokenVerifierOptions;
  readonly #answers: LRUCache<string, UserIdentity | Refusal>;

  constructor(options: AccessTokenVerifierOptions) {
    this.#options = options;
    this.#answers = new LRUCache({
      max: maxRemembered,
      ttl: believedMs,
      ttlResolution: 0,
      perf: { now: options.now },
      fetchMethod: (tokenHash) => this.#look(tokenHash),
    });
  }

  async verify(token: string): Promise<UserIdentity | Refusal> {
    if (!mayBeAccessToken(token)) return refuse('unknown');
    return (await this.#answers.fetch(hashAccessToken(token))) ?? refuse('unknown');
  }

  async #look(tokenHash: string): Promise<UserIdentity | Refusal> {
    const token = await this.#options.accessTokens.findByHash(tokenHash);
    if (!token) return refuse('unknown');
    if (token.revokedAt !== undefined) return refuse('revoked');
    if (token.expiresAt !== undefined && token.expiresAt <= this.#options.now()) return refuse('expired');
    const user = await this.#options.users.find(token.userId);
    if (!user) return refuse('unknown');
    if (user.state === 'blocked') return refuse('blocked');
    await this.#noteUse(token);
    return {
      kind: 'user',
      userId: user.id,
      username: user.username,
      isAdmin: user.isAdmin,
      scopes: token.scopes.filter(isTokenScope),
      tokenId: token.id,
    };
  }

  /** To the minute; a use that cannot be noted is still a use. */
  async #noteUse({ id, lastUsedAt }: AccessToken): Promise<void> {
    const { accessTokens, log, now } = this.#options;
    if (lastUsedAt !== undefined && now() - lastUsedAt < usePrecisionMs) return;
    try {
      await accessTokens.noteUse(id, now());
    } catch (error) {
      log.warn({ err: error, tokenId: id }, 'the use of a token could not be noted');
    }
  }
}
