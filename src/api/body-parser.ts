/** koa-body, loaded when there is a first body to read: it is large, and pulls have none. */
import type { Middleware } from 'koa';
import type { KoaBodyMiddlewareOptions } from 'koa-body';

export function bodyParser(options: Partial<KoaBodyMiddlewareOptions>): Middleware {
  let loading: Promise<Middleware> | undefined;
  return async (ctx, next) => {
    if (ctx.is('*/*') === null) return next();
    loading ??= import('koa-body').then(({ koaBody, HttpMethodEnum: method }) =>
      // GitLab takes parameters of a deletion from its body, too.
      koaBody({ parsedMethods: [method.POST, method.PUT, method.PATCH, method.DELETE], ...options }),
    );
    return (await loading)(ctx, next);
  };
}
