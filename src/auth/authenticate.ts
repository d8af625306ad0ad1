/** From credentials to a user: the one place that says whether someone is who they say they are. */
import type { Log } from '../log.ts';
import type { AccessTokens } from '../metadata/access-tokens.ts';
import type { Users } from '../metadata/users.ts';
import { AccessTokenVerifier } from './access-tokens.ts';
import type { Credentials } from './credentials.ts';
import type { UserIdentity } from './identity.ts';
import { LoginThrottle } from './login-throttle.ts';
import { PasswordLogins } from './password-logins.ts';
import type { Passwords } from './passwords.ts';
import { type Refusal, refuse } from './refusal.ts';

export type Authentication = UserIdentity | Refusal;

export interface AuthenticatorOptions {
  readonly accessTokens: Pick<AccessTokens, 'findByHash' | 'noteUse'>;
  readonly users: Pick<Users, 'find' | 'findByUsername'>;
  readonly passwords: Passwords;
  readonly log: Log;
  /** epoch ms */
  readonly now: () => number;
}

export class Authenticator {
  readonly #accessTokens: AccessTokenVerifier;
  readonly #passwordLogins: PasswordLogins;

  constructor({ accessTokens, users, passwords, log, now }: AuthenticatorOptions) {
    this.#accessTokens = new AccessTokenVerifier({ accessTokens, users, log, now });
    this.#passwordLogins = new PasswordLogins({ users, passwords, throttle: new LoginThrottle(now), now });
  }

  /** The address is the client's; failed passwords are counted for it. */
  async authenticate(credentials: Credentials, address: string | undefined): Promise<Authentication> {
    if (credentials.kind === 'token') return this.#accessTokens.verify(credentials.token);
    const { username, secret } = credentials;
    const byToken = await this.#accessTokens.verify(secret);
    if (byToken.kind === 'user') return this.#withUsername(byToken, username);
    if (byToken.reason !== 'unknown') return byToken;
    return this.#passwordLogins.verify(username, secret, address);
  }

  /** A token says whose it is, so clients may send any username with it, but not that of someone else. */
  async #withUsername(owner: UserIdentity, username: string): Promise<Authentication> {
    if (username.toLowerCase() === owner.username) return owner;
    const other = await this.#passwordLogins.findUser(username);
    return other ? refuse('unknown') : owner;
  }
}
