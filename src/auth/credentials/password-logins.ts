/**
 * Says whom a username and a password stand for. A right password is remembered for a minute under a keyed hash, since clients
 * that use Basic send it with every request; the user is looked up again each second, so blocking and a new password count.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { User, Users } from '../../metadata/people/users.ts';
import { Beliefs, type BeliefsOptions } from '../rights/beliefs.ts';
import type { UserIdentity } from '../rights/identity.ts';
import { identifyUser } from './identify-user.ts';
import type { Attempt, LoginThrottle } from './login-throttle.ts';
import type { Passwords } from './passwords.ts';
import { type Refusal, refuse } from './refusal.ts';

const passwordBelievedMs = 60_000;
const maxRemembered = 1000;

export interface PasswordLoginsOptions extends BeliefsOptions {
  readonly users: Pick<Users, 'findByUsername'>;
  readonly passwords: Passwords;
  readonly throttle: LoginThrottle;
}

interface Guess {
  readonly account: string;
  readonly address: string | undefined;
  readonly password: string;
  readonly stored: string | undefined;
  /** The attempt, once it is counted. */
  attempt?: Attempt;
}

export class PasswordLogins {
  readonly #throttle: LoginThrottle;
  readonly #records: PasswordLoginsOptions['users'];
  readonly #users: Beliefs<{ readonly user: User | undefined }>;
  readonly #rightness: LRUCache<string, { readonly right: boolean }, Guess>;
  readonly #key = randomBytes(32);

  constructor(options: PasswordLoginsOptions) {
    const { users, passwords, throttle, now } = options;
    this.#throttle = throttle;
    this.#records = users;
    this.#users = new Beliefs(options);
    this.#rightness = new LRUCache({
      ttlResolution: 0,
      perf: { now },
      max: maxRemembered,
      ttl: passwordBelievedMs,
      fetchMethod: async (_key, _stale, { context: guess }) => {
        guess.attempt = throttle.begin(guess.account, guess.address);
        return { right: await passwords.verify(guess.password, guess.stored) };
      },
    });
  }

  async verify(
    username: string,
    password: string,
    address: string | undefined,
  ): Promise<UserIdentity | Refusal> {
    const account = username.toLowerCase();
    const closed = this.#findClosed(account, address);
    if (closed) return closed;
    const user = await this.findUser(account);
    // It is asked again, and nothing is awaited from here until the guess is counted: others may have come in at the same time.
    const closedMeanwhile = this.#findClosed(account, address);
    if (closedMeanwhile) return closedMeanwhile;
    const guess: Guess = { account, address, password, stored: user?.passwordHash };
    const isRight = await this.#isRight(guess);
    // This guess has not been counted where the answer was known, or another request found it.
    if (!isRight) guess.attempt ??= this.#throttle.begin(account, address);
    if (!user || !isRight) return refuse('unknown', user ? 'the password is wrong' : 'there is no such user');
    guess.attempt?.succeed();
    return identifyUser(user);
  }

  async findUser(username: string): Promise<User | undefined> {
    const account = username.toLowerCase();
    const found = await this.#users.find(account, async () => ({
      user: await this.#records.findByUsername(account),
    }));
    return found?.value.user;
  }

  #findClosed(account: string, address: string | undefined): Refusal | undefined {
    const retryAfterSeconds = this.#throttle.findWaitSeconds(account, address);
    return retryAfterSeconds === undefined
      ? undefined
      : { kind: 'refused', reason: 'throttled', retryAfterSeconds };
  }

  /** Whether the password is right. The stored hash is part of the key: a changed password is another question. */
  async #isRight(guess: Guess): Promise<boolean> {
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([guess.account, guess.stored, guess.password]))
      .digest('base64');
    const answer = await this.#rightness.fetch(key, { context: guess });
    return answer?.right === true;
  }
}
