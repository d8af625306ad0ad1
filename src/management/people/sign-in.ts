/** People who sign in and out at a browser: with their password, or at the OpenID provider. */
import type { Authenticator } from '../../auth/credentials/authenticate.ts';
import { logRefusedLogin, showName } from '../../auth/credentials/login-log.ts';
import type { RefusalReason } from '../../auth/credentials/refusal.ts';
import type { UserSession, UserSessions } from '../../auth/credentials/sessions.ts';
import type { OidcLogin } from '../../auth/oidc/oidc-login.ts';
import { OidcLoginError } from '../../auth/oidc/oidc-login-error.ts';
import type { UserIdentity } from '../../auth/rights/identity.ts';
import { MissingOwner } from '../../metadata/db/violations.ts';
import type { Log } from '../../observe/log.ts';
import { RefusedError } from '../acting/refused-error.ts';
import type { OidcPeople } from './oidc-people.ts';

/** Learns of people who came by the provider; of passwords the authenticator tells. */
export interface SessionObserver {
  signedIn(identity: UserIdentity, how: 'session', address: string | undefined): void;
  /** @param username as the provider says it; undefined where it is not to be believed */
  refused(username: string | undefined, reason: RefusalReason, address: string | undefined): void;
}

export interface SignInServiceOptions {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly sessions: UserSessions;
  /** Undefined: there is no OpenID provider. */
  readonly oidc: { readonly login: OidcLogin; readonly people: OidcPeople } | undefined;
  readonly observer: SessionObserver;
}

/** From where someone signs in. */
export interface Arrival {
  readonly address: string | undefined;
  /** The log of the request. */
  readonly log: Log;
  /** The session cookie that the browser had: that session ends. */
  readonly previous: string | undefined;
}

export interface SignedIn {
  /** The session, for the browser alone. */
  readonly cookie: string;
  readonly session: UserSession;
}

export class SignInService {
  readonly #options: SignInServiceOptions;

  constructor(options: SignInServiceOptions) {
    this.#options = options;
  }

  get hasOidc(): boolean {
    return this.#options.oidc !== undefined;
  }

  /** @throws RefusedError unauthorized, forbidden where they are blocked, throttled */
  async signInWithPassword(username: string, password: string, arrival: Arrival): Promise<SignedIn> {
    const { authenticator } = this.#options;
    const found = await authenticator.authenticate(
      { kind: 'basic', username, secret: password },
      arrival.address,
      arrival.log,
    );
    if (found.kind === 'refused') {
      if (found.reason === 'throttled') throw new RefusedError('throttled', String(found.retryAfterSeconds));
      if (found.reason === 'blocked') throw new RefusedError('forbidden', 'Your account has been blocked.');
      throw new RefusedError('unauthorized');
    }
    // A token is for what its scopes say, and a session is for everything.
    if (found.kind !== 'user' || found.tokenId !== undefined) {
      const cause = 'a token opens no session, a password does';
      logRefusedLogin(arrival.log, { user: username, reason: 'unknown', cause, address: arrival.address });
      throw new RefusedError('unauthorized');
    }
    const signedIn = await this.#open(found.userId, arrival);
    if (signedIn.session.identity.passwordMark === found.passwordMark) return signedIn;
    // The password was changed in this very moment.
    await this.signOut(signedIn.cookie);
    throw new RefusedError('unauthorized');
  }

  /** @throws RefusedError not-found where there is no provider; OidcLoginError */
  async beginOidc(redirectUri: string, returnTo: string) {
    return this.#oidc().login.begin(redirectUri, returnTo);
  }

  /** @param sealed what the browser kept. @throws RefusedError not-found, forbidden; OidcLoginError */
  async finishOidc(
    sealed: string | undefined,
    callback: URLSearchParams,
    arrival: Arrival,
  ): Promise<SignedIn & { readonly returnTo: string }> {
    const { login, people } = this.#oidc();
    const { observer } = this.#options;
    const { address, log } = arrival;
    const refuse = (user: string | undefined, cause: string) => {
      logRefusedLogin(log, { user, reason: 'unknown', cause, address });
      observer.refused(user === undefined ? undefined : showName(user), 'unknown', address);
    };
    const { person, returnTo } = await login.finish(sealed, callback).catch((error: unknown) => {
      if (error instanceof OidcLoginError && error.fault === 'untrusted') refuse(undefined, error.message);
      throw error;
    });
    const user = await people.receive(person, address).catch((error: unknown) => {
      if (error instanceof RefusedError) refuse(person.username, error.detail ?? error.message);
      throw error;
    });
    const signedIn = await this.#open(user.id, arrival);
    observer.signedIn(signedIn.session.identity, 'session', address);
    return { ...signedIn, returnTo };
  }

  /** False when there was nobody to sign out. */
  async signOut(cookie: string): Promise<boolean> {
    return this.#options.sessions.close(cookie);
  }

  async #open(userId: number, { previous }: Arrival): Promise<SignedIn> {
    const { sessions } = this.#options;
    const cookie = await sessions.open(userId, previous).catch((cause: unknown) => {
      throw cause instanceof MissingOwner ? new RefusedError('unauthorized', undefined, { cause }) : cause;
    });
    const session = await sessions.find(cookie);
    // They were blocked in this very moment.
    if (!session) throw new RefusedError('unauthorized');
    return { cookie, session };
  }

  #oidc() {
    const { oidc } = this.#options;
    if (!oidc) throw new RefusedError('not-found');
    return oidc;
  }
}
