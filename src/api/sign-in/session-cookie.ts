/**
 * The cookies of people at a browser. Scripts cannot read them, other sites' forms do not send them, and over https no other host of the
 * domain can set them: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
 */
import type { Context } from 'koa';
import type { UserSession, UserSessions } from '../../auth/credentials/sessions.ts';
import { RefusedError } from '../../management/acting/refused-error.ts';

/** What a request that changes something repeats beside the cookie: other sites can send neither the header nor read its value. */
export const csrfHeader = 'X-CSRF-Token';

/** session: of people who are signed in; oidc: for as long as they sign in elsewhere. */
export type CookieKind = 'session' | 'oidc';

const names: Record<CookieKind, string> = { session: 'entrepot', oidc: 'entrepot-oidc' };

type CookieContext = Pick<Context, 'append' | 'cookies' | 'get' | 'method'> & {
  readonly state: { readonly externalUrl: string };
};

export function readCookie(ctx: CookieContext, kind: CookieKind): string | undefined {
  return ctx.cookies.get(nameOf(ctx, kind), { signed: false }) || undefined;
}

/** @param value of characters that need no quotes. @param maxAgeSeconds 0: the cookie goes */
export function writeCookie(
  ctx: CookieContext,
  kind: CookieKind,
  value: string,
  maxAgeSeconds: number,
): void {
  const secure = isHttps(ctx) ? '; Secure' : '';
  ctx.append(
    'Set-Cookie',
    `${nameOf(ctx, kind)}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`,
  );
}

/** The session of whoever is signed in at this browser. @throws RefusedError forbidden for a change without the session's token */
export async function findSession(
  ctx: CookieContext,
  sessions: Pick<UserSessions, 'find' | 'findForChange'>,
): Promise<UserSession | undefined> {
  const cookie = readCookie(ctx, 'session');
  if (cookie === undefined) return undefined;
  if (ctx.method === 'GET' || ctx.method === 'HEAD') return sessions.find(cookie);
  const session = await sessions.findForChange(cookie, ctx.get(csrfHeader));
  if (session === false) {
    throw new RefusedError('forbidden', `the header ${csrfHeader} is missing or not that of the session`);
  }
  return session;
}

function nameOf(ctx: CookieContext, kind: CookieKind): string {
  return isHttps(ctx) ? `__Host-${names[kind]}` : names[kind];
}

/** Whether the browser sees us over https, whatever stands between. */
function isHttps({ state }: CookieContext): boolean {
  return state.externalUrl.startsWith('https:');
}
