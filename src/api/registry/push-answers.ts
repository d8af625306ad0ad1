/** What answers to pushes and deletions have in common: no body, and where things are now. */
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { RequestContext } from '../state.ts';
import { cacheStatus } from './cache-status.ts';

export function answerEmpty(ctx: RequestContext, status: 201 | 202 | 204): void {
  ctx.set('Cache-Status', cacheStatus.none);
  ctx.body = null;
  // The status is set after the body, since koa takes "no body" for 204.
  ctx.status = status;
}

/** @param path of what was made, below the repository */
export function answerCreated(ctx: RequestContext, name: RepositoryName, path: string, digest: Digest): void {
  locate(ctx, name, path);
  ctx.set('Docker-Content-Digest', digest);
  answerEmpty(ctx, 201);
}

/** Sets the Location, absolute unless that is not wanted: clients and proxies resolve relative ones against all sorts of things. */
export function locate(ctx: RequestContext, name: RepositoryName, path: string): void {
  ctx.set('Location', `${ctx.state.locationBase}/v2/${name}/${path}`);
}
