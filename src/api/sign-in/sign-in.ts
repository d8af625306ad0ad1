/** At /session and /auth/oidc people at a browser sign in, look who they are, and sign out. */
import { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { z } from 'zod';
import { maxSessionMs, type UserSession, type UserSessions } from '../../auth/credentials/sessions.ts';
import { loginSeconds } from '../../auth/oidc/oidc-login.ts';
import { type OidcFault, OidcLoginError } from '../../auth/oidc/oidc-login-error.ts';
import { RefusedError } from '../../management/acting/refused-error.ts';
import type { SignedIn, SignInService } from '../../management/people/sign-in.ts';
import { bodyParser, LateBody } from '../body-parser.ts';
import { logFault } from '../errors.ts';
import { answerPage } from '../operations/front-page.ts';
import { UnreadableBody } from '../rest/body.ts';
import { answerTo } from '../rest/errors.ts';
import type { RequestContext, RequestState } from '../state.ts';
import { findSession, readCookie, writeCookie } from './session-cookie.ts';

const maxBodyBytes = 16_384;
const maxReturnLength = 2000;
const callbackPath = '/auth/oidc/callback';

export interface SignInRoutesOptions {
  readonly signIn: SignInService;
  readonly sessions: UserSessions;
}

const credentials = z.object({ username: z.string().min(1).max(255), password: z.string().min(1).max(1024) });

export function signInRoutes({ signIn, sessions }: SignInRoutesOptions): Router<RequestState> {
  const router = new Router<RequestState>({ sensitive: true });
  const json = bodyParser({
    maxJsonBytes: maxBodyBytes,
    urlencoded: false,
    onError: (cause) => {
      throw new UnreadableBody(cause instanceof LateBody ? cause.status : 400, cause);
    },
  });
  router.use('/session', answerAsJson);
  // It takes JSON alone, which other sites cannot send without asking for leave: nobody is signed in unawares as someone else.
  router.post('/session', demandOwnSite, async (ctx, next) => {
    if (!ctx.is('application/json')) throw new UnreadableBody(415);
    await json(ctx, next);
  });
  router.post('/session', async (ctx) => {
    const given = credentials.safeParse(ctx.request.body);
    if (!given.success) throw new RefusedError('parameters', 'username and password are needed');
    const { username, password } = given.data;
    const signedIn = await signIn.signInWithPassword(username, password, arrivalOf(ctx));
    keep(ctx, signedIn);
    ctx.status = 201;
    ctx.body = show(signedIn.session);
  });
  router.get('/session', async (ctx) => {
    const session = await findSession(ctx, sessions);
    if (!session) throw new RefusedError('unauthorized');
    ctx.state.identity = session.identity;
    ctx.body = show(session);
  });
  // For the page, to which it is no error that nobody is signed in.
  router.get('/session/state', async (ctx) => {
    const session = await findSession(ctx, sessions);
    if (session) ctx.state.identity = session.identity;
    ctx.body = { session: session ? show(session) : null, oidc: signIn.hasOidc };
  });
  router.delete('/session', async (ctx) => {
    const session = await findSession(ctx, sessions);
    const cookie = readCookie(ctx, 'session');
    if (!session || cookie === undefined) throw new RefusedError('unauthorized');
    ctx.state.identity = session.identity;
    await signIn.signOut(cookie);
    writeCookie(ctx, 'session', '', 0);
    ctx.status = 204;
  });
  if (signIn.hasOidc) addOidc(router, signIn);
  return router;
}

function addOidc(router: Router<RequestState>, signIn: SignInService): void {
  router.use('/auth/oidc', answerAsText);
  router.get('/auth/oidc', async (ctx) => {
    const { externalUrl } = ctx.state;
    const returnTo = ownUrl(new URLSearchParams(ctx.querystring).get('return_to') ?? '/', externalUrl);
    const { url, sealed } = await signIn.beginOidc(`${externalUrl}${callbackPath}`, returnTo);
    writeCookie(ctx, 'oidc', sealed, loginSeconds);
    redirect(ctx, url.href);
  });
  router.get(callbackPath, async (ctx) => {
    const sealed = readCookie(ctx, 'oidc');
    writeCookie(ctx, 'oidc', '', 0);
    const signedIn = await signIn.finishOidc(sealed, callbackOf(ctx.querystring), arrivalOf(ctx));
    keep(ctx, signedIn);
    redirect(ctx, signedIn.returnTo);
  });
}

/** Answers errors as the REST API says them. */
const answerAsJson: Middleware<RequestState> = async (ctx, next) => {
  ctx.set('Cache-Control', 'no-store');
  try {
    await next();
  } catch (error) {
    const { status, body, headers } = answerTo(error);
    logFault(ctx.state.log, error, status === 500);
    ctx.status = status;
    ctx.set(headers ?? {});
    ctx.body = body;
  }
};

const statuses: Record<OidcFault, number> = {
  unavailable: 502,
  interrupted: 400,
  denied: 403,
  untrusted: 403,
};

/** Answers errors as texts, and as pages for browsers: here a person looks at the answer itself. */
const answerAsText: Middleware<RequestState> = async (ctx, next) => {
  ctx.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' });
  try {
    await next();
  } catch (error) {
    if (error instanceof OidcLoginError) {
      const { address, log } = ctx.state;
      log.info({ err: error, fault: error.fault, address }, 'a sign-in at the OpenID provider was refused');
      ctx.status = statuses[error.fault];
      tell(ctx, error.message);
    } else if (error instanceof RefusedError) {
      ctx.status = answerTo(error).status;
      tell(ctx, `${error.detail ?? error.message}`);
    } else throw error;
  }
};

function tell(ctx: RequestContext, text: string): void {
  if (!ctx.get('Accept').includes('text/html')) ctx.body = `${text}\n`;
  else answerPage(ctx, text, `<a href="${new URL(`${ctx.state.externalUrl}/`).href}">Back to signing in</a>`);
}

/** Refuses requests from pages of other sites: browsers say whose page a request comes from, other clients say nothing. */
const demandOwnSite: Middleware<RequestState> = (ctx, next) => {
  const site = ctx.get('Sec-Fetch-Site');
  if (site === 'cross-site' || site === 'same-site') {
    throw new RefusedError('forbidden', 'the request comes from a page of another site');
  }
  return next();
};

/** The absolute URL, so that no browser reads it in another way than we do. @throws RefusedError bad-request unless it is on our own origin */
function ownUrl(path: string, externalUrl: string): string {
  const url =
    /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path) && path.length <= maxReturnLength
      ? URL.parse(path, externalUrl)
      : null;
  if (url?.origin === new URL(externalUrl).origin) return url.href;
  throw new RefusedError('bad-request', 'return_to must be a path on this server, such as /projects');
}

/**
 * The parameters with which they come back, without those that are empty or there twice. `iss` stays as it is: an answer that says in an
 * odd way whose it is has to be refused.
 */
function callbackOf(query: string): URLSearchParams {
  const given = new URLSearchParams(query);
  const isOnce = (name: string) => given.getAll(name).length === 1 && given.get(name) !== '';
  const known = [...given].filter(
    ([name]) => name === 'iss' || (['state', 'code', 'error'].includes(name) && isOnce(name)),
  );
  return new URLSearchParams(known);
}

function arrivalOf(ctx: Parameters<typeof readCookie>[0] & RequestContext) {
  return { address: ctx.state.address, log: ctx.state.log, previous: readCookie(ctx, 'session') };
}

function keep(ctx: Parameters<typeof writeCookie>[0] & RequestContext, { cookie, session }: SignedIn): void {
  ctx.state.identity = session.identity;
  writeCookie(ctx, 'session', cookie, maxSessionMs / 1000);
}

function redirect(ctx: RequestContext, location: string): void {
  ctx.status = 302;
  ctx.set('Location', location);
  ctx.body = '';
}

function show({ user, csrfToken, expiresAt }: UserSession) {
  const { id, username, name, email, isAdmin } = user;
  return {
    user: { id, username, name, email: email ?? null, is_admin: isAdmin },
    csrf_token: csrfToken,
    expires_at: new Date(expiresAt).toISOString(),
  };
}
