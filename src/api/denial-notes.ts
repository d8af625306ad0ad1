/** Notes changes that were denied to whoever asked for them, on /v2 and /api/v4. Pulls pass by at no cost. */
import type { Middleware } from 'koa';
import type { Identity } from '../auth/rights/identity.ts';
import { OciError, type OciErrorCode } from '../oci/errors.ts';
import type { RequestContext, RequestState } from './state.ts';

/** What the audit trail learns. Its methods must neither wait nor fail. */
export interface DenialObserver {
  /** @param repository undefined for the REST API */
  denied(
    identity: Identity,
    write: { readonly method: string; readonly path: string; readonly repository: string | undefined },
    address: string | undefined,
  ): void;
}

/** The codes with which repositories refuse what a tag is protected from. */
export const protectedCodes: readonly OciErrorCode[] = [
  'PROTECTED_TAG',
  'PROTECTED_MANIFEST',
  'IMMUTABLE_TAG',
];

/** @param codes of errors that are denials here; all others are not noted */
export function noteDenial(
  observer: DenialObserver | undefined,
  { state: { identity, address }, method, path }: RequestContext,
  repository: string,
  error: unknown,
  codes: readonly OciErrorCode[],
): void {
  if (error instanceof OciError && codes.includes(error.code))
    observer?.denied(identity, { method, path, repository }, address);
}

/** Middleware for before the REST API, which answers its errors itself. */
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
