/**
 * What those who look for a fault in a running server ask it: at the operations address, for whoever has the token. `/debug/health` and
 * `/debug/vars` answer as Docker's registry does there; profiles are V8's.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, Middleware } from 'koa';
import type { Log } from '../../observe/log.ts';
import type { Readiness } from './readiness.ts';

const profiles: Readonly<Record<string, 'cpu' | 'heap'>> = {
  '/debug/profiles/cpu': 'cpu',
  '/debug/profiles/heap': 'heap',
};
const defaultSeconds = 30;
const maxSeconds = 120;

export interface DebugOptions {
  readonly token: string;
  readonly readiness: Pick<Readiness, 'results'>;
  readonly readVariables: () => object;
  readonly profiler: {
    /** JSON; undefined where another one is being made. */
    record(kind: 'cpu' | 'heap', ms: number, signal: AbortSignal): Promise<string | undefined>;
  };
  readonly log: Log;
}

export function debugRoutes({ token, readiness, readVariables, profiler, log }: DebugOptions): Middleware {
  const expected = hashOf(`Bearer ${token}`);
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/debug/')) return next();
    ctx.set('Cache-Control', 'no-store');
    if (!timingSafeEqual(hashOf(ctx.get('Authorization')), expected)) {
      log.warn(
        { address: ctx.req.socket.remoteAddress, path: ctx.path },
        'debugging was asked for without its token',
      );
      ctx.set('WWW-Authenticate', 'Bearer realm="debug"');
      return refuse(ctx, 401, 'say Authorization: Bearer with what ENTREPOT_DEBUG_TOKEN is');
    }
    const kind = Object.hasOwn(profiles, ctx.path) ? profiles[ctx.path] : undefined;
    if (kind === undefined && ctx.path !== '/debug/health' && ctx.path !== '/debug/vars')
      return refuse(
        ctx,
        404,
        `there are /debug/health, /debug/vars and ${Object.keys(profiles).join(' and ')}`,
      );
    if (ctx.method !== 'GET') {
      ctx.set('Allow', 'GET');
      return refuse(ctx, 405, 'it answers GET');
    }
    if (kind === undefined) {
      if (ctx.path === '/debug/vars') ctx.body = readVariables();
      else await answerHealth(ctx, readiness);
      return;
    }
    const seconds = secondsOf(ctx.query['seconds']);
    if (seconds === undefined)
      return refuse(ctx, 400, `seconds: expected more than 0, and at most ${maxSeconds}`);
    const left = new AbortController();
    ctx.res.once('close', () => left.abort());
    const profile = await profiler.record(kind, seconds * 1000, left.signal);
    if (profile === undefined)
      return refuse(ctx, 409, 'another profile is being made: ask again when it is done');
    log.info({ kind, seconds }, 'a profile was made');
    ctx.attachment(`entrepot.${kind}profile`);
    ctx.type = 'application/json';
    ctx.body = profile;
  };
}

/** What failed and why: nothing where all is well. */
async function answerHealth(ctx: Context, readiness: DebugOptions['readiness']): Promise<void> {
  const failed = (await readiness.results()).filter(({ reason }) => reason !== undefined);
  ctx.status = failed.length === 0 ? 200 : 503;
  ctx.body = Object.fromEntries(failed.map(({ name, reason }) => [name, reason]));
}

/** Undefined where it is none. */
function secondsOf(text: string | string[] | undefined): number | undefined {
  if (text === undefined) return defaultSeconds;
  const seconds = typeof text === 'string' && /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  return seconds > 0 && seconds <= maxSeconds ? seconds : undefined;
}

function refuse(ctx: Context, status: number, error: string): void {
  ctx.status = status;
  ctx.body = { error };
}

/** Of one length, whatever was sent. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
