/**
 * Who asks /api/v4. Only tokens of users and bots count here, in the places where GitLab's clients put them: deploy tokens and
 * jobs pull and push, and manage nothing.
 */
import type { Context } from 'koa';
import { hasScopeFor, type Purpose, scopesFor } from '../../auth/access.ts';
import type { Authenticator } from '../../auth/authenticate.ts';
import { parseAuthorization } from '../../auth/credentials.ts';
import type { UserIdentity } from '../../auth/identity.ts';
import { RefusedError } from '../../management/refused-error.ts';

/**
 * @param given query and body
 * @throws RefusedError unauthorized, invalid-token, forbidden, throttled
 */
export async function identify(
  ctx: Context,
  given: Readonly<Record<string, unknown>>,
  authenticator: Pick<Authenticator, 'authenticate'>,
  address: string | undefined,
): Promise<UserIdentity> {
  const token = tokenOf(ctx, given);
  if (token === undefined) throw new RefusedError('unauthorized');
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
