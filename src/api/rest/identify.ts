/**
 * Who asks /api/v4. Only tokens of users, bots and CI jobs count here, in the places where GitLab's clients put them, and the session of
 * a person at a browser: deploy tokens pull and push, and manage nothing.
 */
import type { Context } from 'koa';
import type { Authenticator } from '../../auth/credentials/authenticate.ts';
import { isJwt, parseAuthorization } from '../../auth/credentials/credentials.ts';
import { logRefusedLogin } from '../../auth/credentials/login-log.ts';
import type { Refusal } from '../../auth/credentials/refusal.ts';
import type { UserSessions } from '../../auth/credentials/sessions.ts';
import { hasScopeFor, scopesFor } from '../../auth/rights/access.ts';
import { anonymous, nameOf } from '../../auth/rights/identity.ts';
import type { Asker, Viewer } from '../../management/acting/actor.ts';
import { RefusedError } from '../../management/acting/refused-error.ts';
import type { Endpoint } from '../../management/endpoint/endpoint.ts';
import { findSession } from '../sign-in/session-cookie.ts';
import type { RequestState } from '../state.ts';

/** People who are signed in at a browser. */
export type CookieSessions = Pick<UserSessions, 'find' | 'findForChange'>;

/** A token, and what it has to be in the place where it was found. */
interface GivenToken {
  readonly token: string;
  readonly kinds: readonly Asker['kind'][];
}

/**
 * @param given query and body
 * @param sessions undefined: no cookie counts
 * @throws RefusedError unauthorized, invalid-token, forbidden, throttled
 */
export async function identify(
  ctx: Context,
  given: Readonly<Record<string, unknown>>,
  authenticator: Pick<Authenticator, 'authenticate'>,
  { address, log }: Pick<RequestState, 'address' | 'log'>,
  sessions: CookieSessions | undefined,
): Promise<Viewer> {
  const found = findToken(ctx, given);
  if (found === undefined) {
    // The cookie counts only where nothing else is given, so that a token never gets the rights of whoever sits at the browser.
    const isAlone = ctx.get('Authorization') === '';
    const session = sessions && isAlone ? await findSession(ctx, sessions) : undefined;
    if (session) return session.identity;
    if (isAlone) return anonymous;
    const given = parseAuthorization(ctx.get('Authorization'));
    const user = typeof given === 'object' && given.kind === 'basic' ? given.username : undefined;
    const cause = 'the REST API takes tokens, and no usernames with passwords';
    logRefusedLogin(log, { user, reason: 'unreadable', cause, address });
    throw new RefusedError('unauthorized');
  }
  const { token, kinds } = found;
  const bearer = await authenticator.authenticate({ kind: 'token', token }, address, log);
  if (bearer.kind === 'refused') {
    // The authenticator says nothing of what looks like a registry token.
    if (isJwt(token)) {
      logRefusedLogin(log, { ...bearer, user: undefined, cause: 'it is no token of the REST API', address });
    }
    throw refusalOf(bearer);
  }
  if (bearer.kind !== 'deploy-token' && kinds.includes(bearer.kind)) return bearer;
  const cause = `a token of the kind ${bearer.kind} is not taken where it was sent`;
  logRefusedLogin(log, { user: nameOf(bearer), reason: 'unknown', cause, address });
  throw new RefusedError('unauthorized');
}

/** @throws RefusedError insufficient-scope; unauthorized for nobody, or a job, where none is expected, as GitLab has it */
export function demandAccess(asker: Viewer, { purpose, takesJobTokens, isPublic }: Endpoint): void {
  if (asker.kind === 'anonymous') {
    if (!isPublic) throw new RefusedError('unauthorized');
  } else if (asker.kind === 'job') {
    if (!takesJobTokens) throw new RefusedError('unauthorized');
  } else if (!hasScopeFor(asker, purpose)) {
    throw new RefusedError('insufficient-scope', scopesFor[purpose].join(' '));
  }
}

function refusalOf({ reason, retryAfterSeconds }: Refusal): RefusedError {
  switch (reason) {
    case 'expired':
      return new RefusedError(
        'invalid-token',
        'Token is expired. You can either do re-authorization or token refresh.',
      );
    case 'revoked':
      return new RefusedError('invalid-token', 'Token was revoked. You have to re-authorize from the user.');
    case 'blocked':
      return new RefusedError('forbidden', 'Your account has been blocked.');
    case 'throttled':
      return new RefusedError('throttled', String(retryAfterSeconds));
    case 'unknown':
      return new RefusedError('unauthorized');
  }
}

function findToken(ctx: Context, given: Readonly<Record<string, unknown>>): GivenToken | undefined {
  const userToken = ctx.get('Private-Token');
  if (userToken) return { token: userToken, kinds: ['user'] };
  const jobToken = ctx.get('Job-Token');
  if (jobToken) return { token: jobToken, kinds: ['job'] };
  const authorization = parseAuthorization(ctx.get('Authorization'));
  if (typeof authorization === 'object') {
    return authorization.kind === 'token'
      ? { token: authorization.token, kinds: ['user', 'job'] }
      : undefined;
  }
  return (
    findParameter(given, ['private_token', 'access_token'], 'user') ??
    findParameter(given, ['job_token'], 'job')
  );
}

function findParameter(
  given: Readonly<Record<string, unknown>>,
  names: readonly string[],
  kind: 'user' | 'job',
): GivenToken | undefined {
  const token = names
    .map((name) => given[name])
    .find((value): value is string => typeof value === 'string' && value !== '');
  return token === undefined ? undefined : { token, kinds: [kind] };
}
