/** From credentials to whom they stand for: the one place that says whether someone is who they say they are. */

import type { Users } from '../../metadata/people/users.ts';
import { type JobIdentity, nameOf, type Principal, type UserIdentity } from '../rights/identity.ts';
import { RecordedTokens, type RecordedTokensOptions } from '../tokens/recorded-tokens.ts';
import { hashToken, tokenKindOf } from '../tokens/token-secret.ts';
import { type Credentials, isJwt } from './credentials.ts';
import { logRefusedLogin, showName } from './login-log.ts';
import { LoginThrottle } from './login-throttle.ts';
import { PasswordLogins } from './password-logins.ts';
import type { Passwords } from './passwords.ts';
import { type Refusal, type RefusalReason, refuse } from './refusal.ts';

export type Authentication = Principal | Refusal;

/** What someone signed in with. */
export type SignInWay = 'password' | 'access-token' | 'deploy-token' | 'job-token' | 'id-token';

/** Learns of every attempt; clients that send credentials with each request make one each time. */
export interface SignInObserver {
  signedIn(principal: Principal, how: SignInWay, address: string | undefined): void;
  /** @param username fit to be shown; undefined where a token came alone */
  refused(username: string | undefined, reason: RefusalReason, address: string | undefined): void;
}

/** Verifies ID tokens of trusted issuers. */
export interface IdTokenVerifier {
  /** Undefined where it is no token of an issuer that is known here. */
  verify(token: string): Promise<JobIdentity | Refusal | undefined>;
}

export interface AuthenticatorOptions extends RecordedTokensOptions {
  readonly users: Pick<Users, 'find' | 'findByUsername'>;
  readonly passwords: Passwords;
  /** Counts failures together with other processes; by default this one counts alone. */
  readonly throttle?: LoginThrottle | undefined;
  readonly idTokens?: IdTokenVerifier | undefined;
  readonly observer?: SignInObserver | undefined;
}

/** Characters that no username has (https://www.rfc-editor.org/rfc/rfc7617#section-2), and PostgreSQL takes no NUL. */
const unheardOf = /\p{Cc}|\p{Cs}/u;

/** The username of jobs, whichever token they have. */
const jobUsername = 'gitlab-ci-token';

export class Authenticator {
  readonly #tokens: RecordedTokens;
  readonly #passwordLogins: PasswordLogins;
  readonly #idTokens: IdTokenVerifier | undefined;
  readonly #observer: SignInObserver | undefined;
  readonly #options: Pick<AuthenticatorOptions, 'accessTokens' | 'log'>;

  constructor(options: AuthenticatorOptions) {
    const { now, throttle = new LoginThrottle(now) } = options;
    this.#tokens = new RecordedTokens(options);
    this.#passwordLogins = new PasswordLogins({ ...options, throttle });
    this.#idTokens = options.idTokens;
    this.#observer = options.observer;
    this.#options = options;
  }

  /**
   * Says whom the credentials stand for. Failed passwords are counted for the client's address.
   * @param log of the request
   */
  async authenticate(
    credentials: Credentials,
    address: string | undefined,
    log = this.#options.log,
  ): Promise<Authentication> {
    const answer = await this.#verify(credentials, address);
    if (answer.kind !== 'refused') {
      log.debug({ user: nameOf(answer), with: wayOf(answer), address }, 'somebody signed in');
      this.#observer?.signedIn(answer, wayOf(answer), address);
    } else if (credentials.kind === 'basic' || !isJwt(credentials.token)) {
      const user = credentials.kind === 'basic' ? await this.#showName(credentials.username) : undefined;
      logRefusedLogin(log, { ...answer, user, address });
      this.#observer?.refused(user, answer.reason, address);
    }
    // Registry tokens that have expired come here too, all the time, and are no attempt to sign in.
    return answer;
  }

  async #verify(credentials: Credentials, address: string | undefined): Promise<Authentication> {
    if (credentials.kind === 'token') return this.#verifyToken(credentials.token);
    const { username, secret } = credentials;
    if (unheardOf.test(username)) return refuse('unknown', 'the username has control characters');
    return this.#verifyBasic(username, secret, address);
  }

  /** The username as the log may show it. A token that was typed there is looked up, too: operators choose the text of the first one. */
  async #showName(username: string): Promise<string> {
    const { accessTokens } = this.#options;
    const isToken =
      tokenKindOf(username) === 'access' &&
      (await accessTokens.findByHash(hashToken(username))) !== undefined;
    return isToken ? '[hidden: it is a token]' : showName(username);
  }

  /** A token that came alone must say all by itself, as a deploy token does not: it needs its username. */
  async #verifyToken(token: string): Promise<Authentication> {
    const kind = tokenKindOf(token);
    if (kind === 'job') return this.#tokens.verifyJobToken(token);
    if (kind === 'access') return this.#tokens.verifyAccessToken(token);
    return refuse('unknown', 'it is no access token');
  }

  async #verifyBasic(username: string, secret: string, address: string | undefined): Promise<Authentication> {
    const kind = tokenKindOf(secret);
    if (kind === 'deploy') return this.#verifyDeployToken(username, secret);
    if (kind === 'job') {
      return username === jobUsername
        ? this.#tokens.verifyJobToken(secret)
        : refuse('unknown', `a job token goes with the username ${jobUsername}`);
    }
    if (username === jobUsername && isJwt(secret)) {
      const job = await this.#idTokens?.verify(secret);
      if (job) return job;
    }
    const byToken = kind && (await this.#tokens.verifyAccessToken(secret));
    if (byToken?.kind === 'user') return this.#withUsername(byToken, username);
    if (byToken && byToken.reason !== 'unknown') return byToken;
    return this.#passwordLogins.verify(username, secret, address);
  }

  /** A deploy token is good with its own username only. */
  async #verifyDeployToken(username: string, token: string): Promise<Authentication> {
    const answer = await this.#tokens.verifyDeployToken(token);
    const isForeign = answer.kind === 'deploy-token' && answer.username !== username;
    return isForeign ? refuse('unknown', 'the deploy token goes with another username') : answer;
  }

  /** A token says whose it is, so clients may send any username with it, but not that of someone else. */
  async #withUsername(owner: UserIdentity, username: string): Promise<Authentication> {
    if (username.toLowerCase() === owner.username) return owner;
    const other = await this.#passwordLogins.findUser(username);
    return other ? refuse('unknown', `the access token is one of ${owner.username}`) : owner;
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
