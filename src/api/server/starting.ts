/** The answers of a server that listens and is not ready yet: it lives, and everything else may be asked again in a moment. */
import type { RequestListener } from 'node:http';
import Koa from 'koa';
import type { Log } from '../../observe/log.ts';
import { UnavailableError } from '../../oci/unavailable.ts';
import { answerErrors } from '../errors.ts';
import { answerTo } from '../rest/errors.ts';
import type { RequestState } from '../state.ts';

/** A start without migrations takes less. */
const retryAfterSeconds = 2;

export function answerStarting(log: Log): RequestListener {
  const koa = new Koa<RequestState>();
  koa.use((ctx, next) => {
    Object.assign(ctx.state, { log });
    return next();
  });
  koa.use(answerErrors);
  koa.use((ctx) => {
    ctx.set('Cache-Control', 'no-store');
    if (ctx.path === '/-/liveness') {
      ctx.body = { status: 'ok' };
      return;
    }
    const error = new UnavailableError('the server is starting, ask again in a moment', {
      retryAfterSeconds,
    });
    if (!/^\/(?:api|-)\//.test(ctx.path)) throw error;
    const { status, body, headers = {} } = answerTo(error);
    ctx.set(headers);
    ctx.status = status;
    ctx.body = body;
  });
  return koa.callback();
}
