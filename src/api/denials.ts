/** Notes changes that were denied to who asked for them, on /v2 and /api/v4. Pulls pass by at no cost. */
import type { Middleware } from 'koa';
import type { Identity } from '../auth/identity.ts';
import { OciError } from '../oci/errors.ts';
import type { Access } from './registry/services.ts';
import type { RequestState } from './state.ts';

/** What the audit trail learns. Must neither wait nor fail. */
export interface DenialObserver {
  /** @param repository undefined for the REST API */
  denied(
    identity: Identity,
    write: { readonly method: string; readonly path: string; readonly repository: string | undefined },
    address: string | undefined,
  ): void;
}

/** Access to /v2 that tells of pushes and deletions that it denies. */
export function notingDenials(access: Access, observer: DenialObserver): Access {
  return {
    middleware: access.middleware,
    require: (ctx, name, action) => {
      if (action === 'pull') return access.require(ctx, name, action);
      return access.require(ctx, name, action).catch((error: unknown) => {
        if (error instanceof OciError && error.code === 'DENIED') {
          const { identity, address } = ctx.state;
          observer.denied(identity, { method: ctx.method, path: ctx.path, repository: name }, address);
        }
        throw error;
      });
    },
  };
}

/** To be used before the REST API, which answers its errors itself. */
export function noteDenials(observer: DenialObserver): Middleware<RequestState> {
  return (ctx, next) => {
    const { method, path } = ctx;
    if (method === 'GET' || method === 'HEAD' || !path.startsWith('/api/')) return next();
    return next().then(() => {
      const { identity, address } = ctx.state;
      if (ctx.status === 403) observer.denied(identity, { method, path, repository: undefined }, address);
    });
  };
}
