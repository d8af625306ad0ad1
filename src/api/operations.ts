/** What those who run the server ask it: is it alive, can it work, what has it counted. */
import type { Middleware } from 'koa';
import type { Log } from '../log.ts';

/** Something the server cannot work without, by its name. Throws or rejects where it is not to be had. */
export type Checks = Readonly<Record<string, () => Promise<unknown>>>;

export interface ProbeOptions {
  readonly checks: Checks;
  readonly log: Log;
  /** How long a check may take, in milliseconds. */
  readonly timeoutMs?: number;
}

export interface OperationsOptions {
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
}

const defaultTimeoutMs = 5000;

/**
 * /-/liveness: 200 while the process answers at all. /-/readiness: 200 when every check passes, else 503 with the names of
 * those that do not; why is in the log. For both addresses, and without authentication: many askers cost one run.
 */
export function probeRoutes({ checks, log, timeoutMs = defaultTimeoutMs }: ProbeOptions): Middleware {
  let running: Promise<Record<string, boolean>> | undefined;
  const run = async () => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]): Promise<[string, boolean]> => {
        try {
          await withinTime(check(), timeoutMs);
          return [name, true];
        } catch (error) {
          log.warn({ err: error, check: name }, 'not ready');
          return [name, false];
        }
      }),
    );
    return Object.fromEntries(results);
  };
  return async (ctx, next) => {
    const isLiveness = ctx.path === '/-/liveness';
    if (!isLiveness && ctx.path !== '/-/readiness') return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.status = 405;
      ctx.set('Allow', 'GET, HEAD');
      return;
    }
    ctx.set('Cache-Control', 'no-store');
    if (isLiveness) {
      ctx.body = { status: 'ok' };
      return;
    }
    running ??= run().finally(() => {
      running = undefined;
    });
    const results = await running;
    const isReady = Object.values(results).every(Boolean);
    ctx.status = isReady ? 200 : 503;
    ctx.body = {
      status: isReady ? 'ok' : 'failed',
      checks: Object.fromEntries(
        Object.entries(results).map(([name, passed]) => [name, passed ? 'ok' : 'failed']),
      ),
    };
  };
}

/** /metrics, for the operations address alone. */
export function operationsRoutes({ metrics }: OperationsOptions): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/metrics' || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
    const text = await metrics.render();
    ctx.set('Content-Type', metrics.contentType);
    ctx.body = text;
  };
}

async function withinTime(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
