/**
 * People who are signed in by a cookie. Neither the cookie nor the token against forged requests is kept: only their hashes. Each use asks
 * the records, so whoever is signed out, blocked or removed is refused at once, by every process.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Session, Sessions } from '../../metadata/people/sessions.ts';
import type { User, Users } from '../../metadata/people/users.ts';
import type { UserIdentity } from '../rights/identity.ts';
import { identifyUser } from './identify-user.ts';

const cookieBytes = 32;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** A session that is unused for so long ends; one that is used lasts no longer than {@link maxSessionMs}. */
const maxIdleMs = 7 * dayMs;
export const maxSessionMs = 30 * dayMs;
/** The last use of a session is written no more often. */
const touchMs = 5 * 60_000;
const sweepMs = hourMs;

export interface UserSessionsOptions {
  readonly sessions: Pick<Sessions, 'find' | 'create' | 'touch' | 'remove' | 'removeExpired'>;
  readonly users: Pick<Users, 'find'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface UserSession {
  readonly user: User;
  readonly identity: UserIdentity;
  /** What a page repeats in a header of each request that changes something; pages of others cannot read it. */
  readonly csrfToken: string;
  /** When it ends, unless it is used before; epoch milliseconds. */
  readonly expiresAt: number;
}

export class UserSessions {
  readonly #options: UserSessionsOptions;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: UserSessionsOptions) {
    this.#options = options;
  }

  /**
   * Begins a session, always with a cookie that nobody has seen before.
   * @param previous the browser's cookie until now, whose session ends
   * @returns the cookie. @throws MissingOwner where the user is gone
   */
  async open(userId: number, previous: string | undefined): Promise<string> {
    const { sessions, now } = this.#options;
    await this.#sweep();
    if (previous !== undefined) await this.close(previous);
    const cookie = randomBytes(cookieBytes).toString('base64url');
    const csrfHash = digest(csrfTokenOf(cookie));
    await sessions.create({ idHash: digest(cookie), userId, csrfHash, expiresAt: now() + maxIdleMs });
    return cookie;
  }

  /** Undefined where its time is over, they signed out, or may not come in any more. */
  async find(cookie: string): Promise<UserSession | undefined> {
    const session = await this.#options.sessions.find(digest(cookie));
    return session && this.#identify(session, cookie);
  }

  /** As {@link find}, for a request that changes something. False: the token is not the one of this session. */
  async findForChange(cookie: string, csrfToken: string): Promise<UserSession | false | undefined> {
    const session = await this.#options.sessions.find(digest(cookie));
    if (session && session.csrfHash !== digest(csrfToken)) return false;
    return session && this.#identify(session, cookie);
  }

  /** Ends the session. False when there was none. */
  async close(cookie: string): Promise<boolean> {
    return this.#options.sessions.remove(digest(cookie));
  }

  async #identify(session: Session, cookie: string): Promise<UserSession | undefined> {
    const user = await this.#options.users.find(session.userId);
    const identity = identifyUser(user);
    if (!user || identity.kind === 'refused') return undefined;
    const expiresAt = await this.#touch(session);
    return { user, identity, csrfToken: csrfTokenOf(cookie), expiresAt };
  }

  /** Notes a use of the session. Until when it lasts. */
  async #touch({ idHash, createdAt, lastUsedAt, expiresAt }: Session): Promise<number> {
    const now = this.#options.now();
    if (now - lastUsedAt < touchMs) return expiresAt;
    const later = Math.min(createdAt + maxSessionMs, now + maxIdleMs);
    await this.#options.sessions.touch(idHash, later);
    return later;
  }

  /** Removes sessions that are over whenever one is made, so that nobody else has to. */
  async #sweep(): Promise<void> {
    const now = this.#options.now();
    if (now - this.#sweptAt < sweepMs) return;
    this.#sweptAt = now;
    await this.#options.sessions.removeExpired(now);
  }
}

/** The token follows from the cookie, so that a page that is loaded again can be told; the cookie does not follow from it. */
function csrfTokenOf(cookie: string): string {
  return hash('sha256', `csrf ${cookie}`, 'base64url');
}

/** A plain hash is enough, since what is hashed is random and long. */
function digest(text: string): string {
  return hash('sha256', text, 'hex');
}
