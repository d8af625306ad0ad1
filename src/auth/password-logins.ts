/**
 * Who a username and a password stand for. A right password is remembered for a minute under a keyed hash, since clients
 * that use Basic send it with every request; the user is looked up again each second, so blocking and a new password count.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { User, Users } from '../metadata/users.ts';
import type { UserIdentity } from './identity.ts';
import type { LoginThrottle } from './login-throttle.ts';
import type { Passwords } from './passwords.ts';
import { type Refusal, refuse } from './refusal.ts';

const userBelievedMs = 1000;
const passwordBelievedMs = 60_000;
const maxRemembered = 1000;

export interface PasswordLoginsOptions {
  readonly users: Pick<Users, 'findByUsername'>;
  readonly passwords: Passwords;
  readonly throttle: LoginThrottle;
  readonly now: () => number;
}

interface Attempt {
  readonly password: string;
  readonly stored: string | undefined;
}

interface Found {
  readonly user: User | undefined;
}

export class PasswordLogins {
  readonly #throttle: LoginThrottle;
  readonly #users: LRUCache<string, Found>;
  readonly #rightness: LRUCache<string, { readonly right: boolean }, Attempt>;
  readonly #key = randomBytes(32);

  constructor({ users, passwords, throttle, now }: PasswordLoginsOptions) {
    this.#throttle = throttle;
    const clock = { ttlResolution: 0, perf: { now }, max: maxRemembered };
    this.#users = new LRUCache({
      ...clock,
      ttl: userBelievedMs,
      fetchMethod: async (username) => ({ user: await users.findByUsername(username) }),
    });
    this.#rightness = new LRUCache({
      ...clock,
      ttl: passwordBelievedMs,
      fetchMethod: async (_key, _stale, { context: { password, stored } }) => ({
        right: await passwords.verify(password, stored),
      }),
    });
  }

  async verify(
    username: string,
    password: string,
    address: string | undefined,
  ): Promise<UserIdentity | Refusal> {
    const account = username.toLowerCase();
    const retryAfterSeconds = this.#throttle.findWaitSeconds(account, address);
    if (retryAfterSeconds !== undefined) return { kind: 'refused', reason: 'throttled', retryAfterSeconds };
    const user = await this.findUser(account);
    const right = await this.#isRight(account, { password, stored: user?.passwordHash });
    if (!user || !right) {
      this.#throttle.noteFailure(account, address);
      return refuse('unknown');
    }
    this.#throttle.noteSuccess(account, address);
    if (user.state === 'blocked') return refuse('blocked');
    return { kind: 'user', userId: user.id, username: user.username, isAdmin: user.isAdmin, scopes: 'all' };
  }

  /** As known within the last second. */
  async findUser(username: string): Promise<User | undefined> {
    const found = await this.#users.fetch(username.toLowerCase());
    return found?.user;
  }

  /** The stored hash is part of the key: a changed password is another question. */
  async #isRight(account: string, attempt: Attempt): Promise<boolean> {
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([account, attempt.stored, attempt.password]))
      .digest('base64');
    const answer = await this.#rightness.fetch(key, { context: attempt });
    return answer?.right === true;
  }
}
