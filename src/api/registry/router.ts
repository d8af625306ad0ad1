/** /v2, one line per endpoint of https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints */
import { Router, type RouterContext } from '@koa/router';
import type { Middleware } from 'koa';
import { parseDigest } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import { parseReference, parseRepositoryName, type RepositoryName } from '../../oci/reference.ts';
import type { Outcome, ReadableRepository } from '../../oci/repository.ts';
import type { RequestContext, RequestState } from '../state.ts';
import { answerBlob } from './blobs.ts';
import { cacheStatus } from './cache-status.ts';
import { answerManifest } from './manifests.ts';
import { answerReferrers } from './referrers.ts';
import { answerTags } from './tags.ts';

/** What metrics learn of pulls. */
export interface PullObserver {
  pulled(kind: PullKind, outcome: Outcome): void;
}

export type PullKind = 'manifest' | 'blob' | 'tags' | 'referrers';

export interface Repositories {
  /** Undefined where there is no such repository. */
  find(name: RepositoryName): ReadableRepository | undefined | Promise<ReadableRepository | undefined>;
}

export interface Access {
  /** Sets `ctx.state.identity`. @throws OciError UNAUTHORIZED with a challenge */
  readonly middleware: Middleware<RequestState>;
  /** @throws OciError where this identity may not pull from it */
  requirePull(ctx: RequestContext, name: RepositoryName): Promise<void>;
}

export interface RegistryOptions {
  readonly repositories: Repositories;
  readonly access: Access;
  readonly observer: PullObserver;
  /** How long a client may take none of the bytes it asked for, in milliseconds. */
  readonly stalledMs?: number;
}

type Context = RouterContext<RequestState>;
/** What `app.use` takes. */
export type RegistryMiddleware = ReturnType<Router<RequestState>['routes']>;

type Serve = (ctx: Context, repository: ReadableRepository, name: RepositoryName) => Promise<void>;

/** Long enough for a disk that is busy unpacking, short enough that forgotten connections end. */
const defaultStalledMs = 120_000;
const uploads = /\/blobs\/uploads(?:\/[^/]*)?$/;

/**
 * Answers every request under /v2 and leaves the others alone. Names may end in words of paths (`foo/tags`), so the last
 * words of a path decide what it is: a wildcard takes as much as it can.
 */
export function createRegistryRouter(options: RegistryOptions): RegistryMiddleware {
  const { access, observer, stalledMs = defaultStalledMs } = options;
  const router = new Router<RequestState>({ sensitive: true, strict: true });
  const serve = (kind: PullKind, answer: Serve) => async (ctx: Context) => {
    const name = nameOf(ctx);
    await access.requirePull(ctx, name);
    const repository = await options.repositories.find(name);
    if (!repository) throw new OciError('NAME_UNKNOWN', { detail: `there is no repository ${name}` });
    await answer(ctx, repository, name);
    if (ctx.state.outcome) observer.pulled(kind, ctx.state.outcome);
  };

  router.get(['/v2/', '/v2'], answerBase); // end-1
  router.get('/v2/*name/blobs/:digest', serve('blob', blob)); // end-2
  router.get('/v2/*name/manifests/:reference', serve('manifest', manifest)); // end-3
  router.get('/v2/*name/tags/list', serve('tags', answerTags)); // end-8a, end-8b
  router.get('/v2/*name/referrers/:digest', serve('referrers', referrers)); // end-12a, end-12b

  const routes = router.routes();
  return (ctx, next) => {
    const { path } = ctx;
    if (!path.startsWith('/v2/') && path !== '/v2') return next();
    ctx.set('Docker-Distribution-Api-Version', 'registry/2.0');
    return access.middleware(ctx, () => routes(ctx, async () => refuse(ctx)));
  };

  function blob(ctx: Context, repository: ReadableRepository): Promise<void> {
    return answerBlob(ctx, repository, parseDigest(parameter(ctx, 'digest')), stalledMs);
  }

  function manifest(ctx: Context, repository: ReadableRepository): Promise<void> {
    return answerManifest(ctx, repository, parseReference(parameter(ctx, 'reference')));
  }

  function referrers(ctx: Context, repository: ReadableRepository): Promise<void> {
    return answerReferrers(ctx, repository, parseDigest(parameter(ctx, 'digest')));
  }
}

/** As it is written: names need no encoding, so one that has any is none. @throws OciError NAME_INVALID */
function nameOf(ctx: Context): RepositoryName {
  return parseRepositoryName(ctx.captures?.[0] ?? '');
}

/** Decoded; what cannot be decoded stays, and is refused by its parser. */
function parameter(ctx: Context, name: string): string {
  return ctx.params[name] ?? '';
}

function answerBase(ctx: Context): void {
  ctx.set('Content-Type', 'application/json');
  ctx.set('Cache-Status', cacheStatus.none);
  ctx.body = '{}';
}

/** What no endpoint answers. */
function refuse(ctx: RequestContext): never {
  const matched: Context['matched'] = ctx['matched'];
  const methods = new Set(matched?.flatMap((layer) => layer.methods));
  if (methods.size === 0 && !uploads.test(ctx.path)) {
    throw new OciError('UNSUPPORTED', { status: 404, detail: 'there is nothing at this path' });
  }
  throw new OciError('UNSUPPORTED', {
    detail: `${ctx.method} is not possible here: virtual registries are for pulling, and take no pushes and no deletions`,
    headers: { Allow: [...methods].join(', ') },
  });
}
