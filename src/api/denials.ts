/** Notes changes that were denied to who asked for them, on /v2 and /api/v4. Pulls pass by at no cost. */
import type { Middleware } from 'koa';
import type { Identity } from '../auth/rights/identity.ts';
import { OciError } from '../oci/errors.ts';
import { scopesOf } from './challenge.ts';
import type { Access } from './registry/services.ts';
import type { RequestContext, RequestState } from './state.ts';

/** What the audit trail learns. Must neither wait nor fail. */
export interface DenialObserver {
  /** @param repository undefined for the REST API */
  denied(
    identity: Identity,
    write: { readonly method: string; readonly path: string; readonly repository: string | undefined },
    address: string | undefined,
  ): void;
}

const protectedCodes: readonly string[] = ['PROTECTED_TAG', 'PROTECTED_MANIFEST', 'IMMUTABLE_TAG'];

/** Access to /v2 that tells of pushes and deletions that it denies, and of those that repositories refuse since a tag is protected. */
export function notingDenials(access: Access, observer: DenialObserver): Access {
  const noteIf = (ctx: RequestContext, codes: readonly string[], repository: string | undefined) => {
    return (error: unknown) => {
      if (error instanceof OciError && codes.includes(error.code)) {
        const { identity, address } = ctx.state;
        observer.denied(identity, { method: ctx.method, path: ctx.path, repository }, address);
      }
      throw error;
    };
  };
  return {
    middleware: (ctx, next) => {
      if (isRead(ctx)) return access.middleware(ctx, next);
      return access.middleware(ctx, () => next().catch(noteIf(ctx, protectedCodes, scopesOf(ctx)[0]?.name)));
    },
    require: (ctx, name, action) => {
      if (action === 'pull') return access.require(ctx, name, action);
      return access.require(ctx, name, action).catch(noteIf(ctx, ['DENIED'], name));
    },
    protectionLevel: (ctx, name) => access.protectionLevel(ctx, name),
  };
}

/** To be used before the REST API, which answers its errors itself. */
export function noteDenials(observer: DenialObserver): Middleware<RequestState> {
  return (ctx, next) => {
    const { method, path } = ctx;
    if (isRead(ctx) || !path.startsWith('/api/')) return next();
    return next().then(() => {
      const { identity, address } = ctx.state;
      if (ctx.status === 403) observer.denied(identity, { method, path, repository: undefined }, address);
    });
  };
}

function isRead({ method }: RequestContext): boolean {
  return method === 'GET' || method === 'HEAD';
}
