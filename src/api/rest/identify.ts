/**
 * Who asks /api/v4. Only tokens of users and bots count here, in the places where GitLab's clients put them, and the session of a person
 * at a browser: deploy tokens and jobs pull and push, and manage nothing.
 */
import type { Context } from 'koa';
import { hasScopeFor, type Purpose, scopesFor } from '../../auth/access.ts';
import type { Authenticator } from '../../auth/authenticate.ts';
import { parseAuthorization } from '../../auth/credentials.ts';
import type { UserIdentity } from '../../auth/identity.ts';
import type { UserSessions } from '../../auth/sessions.ts';
import { RefusedError } from '../../management/refused-error.ts';
import { findSession } from '../session-cookie.ts';

/** People who are signed in at a browser. */
export type CookieSessions = Pick<UserSessions, 'find' | 'findForChange'>;

/**
 * @param given query and body
 * @param sessions undefined: no cookie counts
 * @throws RefusedError unauthorized, invalid-token, forbidden, throttled
 */
export async function identify(
  ctx: Context,
  given: Readonly<Record<string, unknown>>,
  authenticator: Pick<Authenticator, 'authenticate'>,
  address: string | undefined,
  sessions: CookieSessions | undefined,
): Promise<UserIdentity> {
  const token = tokenOf(ctx, given);
  if (token === undefined) {
    // Only where nothing else is given, so that a token never gets the rights of whoever sits at the browser.
    const isAlone = ctx.get('Authorization') === '';
    const session = sessions && isAlone ? await findSession(ctx, sessions) : undefined;
    if (session) return session.identity;
    throw new RefusedError('unauthorized');
  }
  const found = await authenticator.authenticate({ kind: 'token', token }, address);
  if (found.kind === 'user') return found;
  if (found.kind !== 'refused') throw new RefusedError('unauthorized');
  switch (found.reason) {
    case 'expired':
      throw new RefusedError(
        'invalid-token',
        'Token is expired. You can either do re-authorization or token refresh.',
      );
    case 'revoked':
      throw new RefusedError('invalid-token', 'Token was revoked. You have to re-authorize from the user.');
    case 'blocked':
      throw new RefusedError('forbidden', 'Your account has been blocked.');
    case 'throttled':
      throw new RefusedError('throttled', String(found.retryAfterSeconds));
    case 'unknown':
      throw new RefusedError('unauthorized');
  }
}

/** @throws RefusedError insufficient-scope */
export function demandScope(user: UserIdentity, purpose: Purpose): void {
  if (!hasScopeFor(user, purpose)) throw new RefusedError('insufficient-scope', scopesFor[purpose].join(' '));
}

function tokenOf(ctx: Context, given: Readonly<Record<string, unknown>>): string | undefined {
  const header = ctx.get('Private-Token');
  if (header) return header;
  const authorization = parseAuthorization(ctx.get('Authorization'));
  if (typeof authorization === 'object') {
    return authorization.kind === 'token' ? authorization.token : undefined;
  }
  return [given['private_token'], given['access_token']].find((token) => typeof token === 'string');
}
