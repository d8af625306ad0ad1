/** What those who run the server ask it: is it alive, can it work, what has it counted. */
import type { Middleware } from 'koa';
import { type CheckResult, type Duty, isReady, type Readiness } from './readiness.ts';

export interface OperationsOptions {
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
}

/** What has to work for a 200, by path. */
const duties: Readonly<Record<string, Duty>> = {
  '/-/readiness': 'serving',
  '/-/readiness/storing': 'storing',
};

/**
 * /-/liveness: 200 while the process answers at all. /-/readiness: 200 while pulls can be answered. /-/readiness/storing: 200 while what is
 * new can be kept, too. Else 503 with the names of what failed; `?verbose` says why, the log says more. For both addresses, and without
 * authentication: many askers cost one run.
 */
export function probeRoutes(readiness: Readiness): Middleware {
  return async (ctx, next) => {
    const isLiveness = ctx.path === '/-/liveness';
    const duty = duties[ctx.path];
    if (!isLiveness && duty === undefined) return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.status = 405;
      ctx.set('Allow', 'GET, HEAD');
      return;
    }
    ctx.set('Cache-Control', 'no-store');
    if (duty === undefined) {
      ctx.body = { status: 'ok' };
      return;
    }
    const results = await readiness.results();
    ctx.status = isReady(results, duty) ? 200 : 503;
    ctx.body = describe(results, duty, 'verbose' in ctx.query);
  };
}

function describe(results: readonly CheckResult[], duty: Duty, isVerbose: boolean): object {
  const wordFor = (isOk: boolean) => (isOk ? 'ok' : 'failed');
  const wordOf = ({ reason }: CheckResult) => wordFor(reason === undefined);
  const entryOf = (result: CheckResult) =>
    isVerbose
      ? { status: wordOf(result), needed_for: result.needed ?? 'nothing', reason: result.reason }
      : wordOf(result);
  return {
    status: wordFor(isReady(results, duty)),
    serving: wordFor(isReady(results, 'serving')),
    storing: wordFor(isReady(results, 'storing')),
    checks: Object.fromEntries(results.map((result) => [result.name, entryOf(result)])),
  };
}

/** Serves /metrics, at the operations address alone. */
export function operationsRoutes({ metrics }: OperationsOptions): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/metrics' || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
    const text = await metrics.render();
    ctx.set('Content-Type', metrics.contentType);
    ctx.body = text;
  };
}
