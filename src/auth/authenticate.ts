/** From credentials to whom they stand for: the one place that says whether someone is who they say they are. */
import type { Log } from '../log.ts';
import type { AccessTokens } from '../metadata/access-tokens.ts';
import type { DeployTokens } from '../metadata/deploy-tokens.ts';
import type { JobTokens } from '../metadata/job-tokens.ts';
import type { Users } from '../metadata/users.ts';
import { AccessTokenVerifier } from './access-tokens.ts';
import type { BeliefsOptions } from './beliefs.ts';
import { type Credentials, isJwt } from './credentials.ts';
import { DeployTokenVerifier } from './deploy-tokens.ts';
import type { JobIdentity, Principal, UserIdentity } from './identity.ts';
import { JobTokenVerifier } from './job-tokens.ts';
import { LoginThrottle } from './login-throttle.ts';
import { PasswordLogins } from './password-logins.ts';
import type { Passwords } from './passwords.ts';
import { type Refusal, type RefusalReason, refuse } from './refusal.ts';
import { mayBeDeployToken, mayBeJobToken } from './token-secret.ts';

export type Authentication = Principal | Refusal;

/** With what someone signed in. */
export type SignInWay = 'password' | 'access-token' | 'deploy-token' | 'job-token' | 'id-token';

/** Learns of every attempt; clients that send credentials with each request make one each time. */
export interface SignInObserver {
  signedIn(principal: Principal, how: SignInWay, address: string | undefined): void;
  /** @param username undefined where a token came alone */
  refused(username: string | undefined, reason: RefusalReason, address: string | undefined): void;
}

/** ID tokens of trusted issuers. */
export interface IdTokenVerifier {
  /** Undefined: it is no token of an issuer that is known here. */
  verify(token: string): Promise<JobIdentity | Refusal | undefined>;
}

export interface AuthenticatorOptions extends BeliefsOptions {
  readonly accessTokens: Pick<AccessTokens, 'findByHash' | 'noteUse'>;
  readonly deployTokens: Pick<DeployTokens, 'findByHash' | 'noteUse'>;
  readonly jobTokens: Pick<JobTokens, 'findByHash'>;
  readonly users: Pick<Users, 'find' | 'findByUsername'>;
  readonly passwords: Passwords;
  /** Where several processes count failures together; by default this one counts alone. */
  readonly throttle?: LoginThrottle | undefined;
  readonly idTokens?: IdTokenVerifier | undefined;
  readonly observer?: SignInObserver | undefined;
  readonly log: Log;
}

/** Nobody is called so (https://www.rfc-editor.org/rfc/rfc7617#section-2), and PostgreSQL takes no NUL. */
const unheardOf = /\p{Cc}|\p{Cs}/u;

/** The username of jobs, whichever token they have. */
const jobUsername = 'gitlab-ci-token';

export class Authenticator {
  readonly #accessTokens: AccessTokenVerifier;
  readonly #deployTokens: DeployTokenVerifier;
  readonly #jobTokens: JobTokenVerifier;
  readonly #passwordLogins: PasswordLogins;
  readonly #idTokens: IdTokenVerifier | undefined;
  readonly #observer: SignInObserver | undefined;

  constructor(options: AuthenticatorOptions) {
    const { now, throttle = new LoginThrottle(now) } = options;
    this.#accessTokens = new AccessTokenVerifier(options);
    this.#deployTokens = new DeployTokenVerifier(options);
    this.#jobTokens = new JobTokenVerifier(options);
    this.#passwordLogins = new PasswordLogins({ ...options, throttle });
    this.#idTokens = options.idTokens;
    this.#observer = options.observer;
  }

  /** The address is the client's; failed passwords are counted for it. */
  async authenticate(credentials: Credentials, address: string | undefined): Promise<Authentication> {
    if (credentials.kind === 'basic' && unheardOf.test(credentials.username)) {
      this.#observer?.refused(undefined, 'unknown', address);
      return refuse('unknown');
    }
    const answer =
      credentials.kind === 'token'
        ? await this.#verifyToken(credentials.token)
        : await this.#verifyBasic(credentials.username, credentials.secret, address);
    if (answer.kind !== 'refused') this.#observer?.signedIn(answer, wayOf(answer), address);
    else if (credentials.kind === 'basic')
      this.#observer?.refused(credentials.username, answer.reason, address);
    // Registry tokens that have expired come here too, all the time, and are no attempt to sign in.
    else if (!isJwt(credentials.token)) this.#observer?.refused(undefined, answer.reason, address);
    return answer;
  }

  /** A token that came alone must say all by itself: a deploy token is nothing without its username. */
  #verifyToken(token: string): Promise<Authentication> {
    return mayBeJobToken(token) ? this.#jobTokens.verify(token) : this.#accessTokens.verify(token);
  }

  async #verifyBasic(username: string, secret: string, address: string | undefined): Promise<Authentication> {
    if (mayBeDeployToken(secret)) return this.#deployTokens.verify(username, secret);
    if (mayBeJobToken(secret)) {
      return username === jobUsername ? this.#jobTokens.verify(secret) : refuse('unknown');
    }
    if (username === jobUsername && isJwt(secret)) {
      const job = await this.#idTokens?.verify(secret);
      if (job) return job;
    }
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

function wayOf(principal: Principal): SignInWay {
  switch (principal.kind) {
    case 'user':
      return principal.tokenId === undefined ? 'password' : 'access-token';
    case 'deploy-token':
      return 'deploy-token';
    case 'job':
      return principal.jobTokenId === undefined ? 'id-token' : 'job-token';
  }
}
