/** koa-body, loaded when there is a first body to read: it is large, and pulls have none. */
import type { Context, Middleware } from 'koa';
import type { KoaBodyMiddlewareOptions } from 'koa-body';

export interface BodyParserOptions extends Partial<KoaBodyMiddlewareOptions> {
  /** Of what could not be read: {@link LateBody}, or the parser's. Throws. */
  readonly onError: (error: Error) => never;
  /** For tests. */
  readonly totalMs?: number;
}

/** Forms and JSON come at once, whoever sends them: before anybody has logged in, too. */
const maxBodyMs = 30_000;

/** A body that did not end in time. */
export class LateBody extends Error {
  override readonly name = 'LateBody';
  readonly status = 408;

  constructor(totalMs: number) {
    super(`the body did not come within ${totalMs / 1000} seconds`);
  }
}

export function bodyParser({ totalMs = maxBodyMs, ...options }: BodyParserOptions): Middleware {
  let loading: Promise<Middleware> | undefined;
  return async (ctx, next) => {
    if (ctx.is('*/*') === null) return next();
    loading ??= import('koa-body').then(({ koaBody, HttpMethodEnum: method }) =>
      // GitLab takes parameters of a deletion from its body, too.
      koaBody({ parsedMethods: [method.POST, method.PUT, method.PATCH, method.DELETE], ...options }),
    );
    await parseInTime(ctx, await loading);
    return next();
  };

  async function parseInTime(ctx: Context, parse: Middleware): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new LateBody(totalMs)), totalMs);
    try {
      await Promise.race([parse(ctx, async () => undefined), promise]);
    } catch (error) {
      if (!(error instanceof LateBody)) throw error;
      // What is still to come is not waited for.
      ctx.set('Connection', 'close');
      options.onError(error);
    } finally {
      clearTimeout(timer);
    }
  }
}
