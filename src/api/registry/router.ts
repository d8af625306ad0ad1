/**
 * /v2, one line per endpoint of https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 * Before anything of a body is read it is known who asks, that they may, and whether anything can be changed now.
 */
import { Router } from '@koa/router';
import type { Action } from '../../auth/rights/access.ts';
import { OciError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { ReadableRepository } from '../../oci/repository.ts';
import { answerErrors } from '../errors.ts';
import { originOf } from '../event-origin.ts';
import { tellFeatures } from '../gitlab/features.ts';
import type { RequestContext, RequestState } from '../state.ts';
import { answerBlob } from './blobs.ts';
import { cacheStatus } from './cache-status.ts';
import { answerCatalog } from './catalog.ts';
import { deleteBlob, deleteManifest, deleteTag } from './deletions.ts';
import { answerEarly } from './early-answer.ts';
import { type ChangeTarget, type EndpointContext, nameOf, type PullTarget } from './endpoint.ts';
import { answerManifest } from './manifests.ts';
import { notePull } from './pull-notes.ts';
import { pushManifest } from './push-manifest.ts';
import { answerNoReferrers, answerReferrers } from './referrers.ts';
import type { PullKind, RegistryOptions } from './services.ts';
import { answerTags } from './tags.ts';
import { answerUpload, appendToUpload, cancelUpload, commitUpload, startUpload } from './uploads.ts';
import { writerOf } from './writer.ts';

/** What `app.use` takes. */
export type RegistryMiddleware = ReturnType<Router<RequestState>['routes']>;

type Pull = (ctx: EndpointContext, target: PullTarget) => Promise<void>;
type Change = (ctx: EndpointContext, target: ChangeTarget) => Promise<void>;

/** Long enough for a disk that is busy with layers, short enough that forgotten connections end. */
const defaultStalledMs = 120_000;

/**
 * Answers every request under /v2 and leaves the others alone. Names may end in words of paths (`foo/tags`), so the last
 * words of a path decide what it is: a wildcard takes as much as it can.
 */
export function createRegistryRouter(options: RegistryOptions): RegistryMiddleware {
  const { repositories, access, catalog, maintenance, observer, pullEvents } = options;
  const { maxManifestBytes, stalledMs = defaultStalledMs } = options;
  const router = new Router<RequestState>({ sensitive: true, strict: true });
  const uploads = ['/v2/*name/blobs/uploads/', '/v2/*name/blobs/uploads'];

  router.get(['/v2/', '/v2'], answerBase); // end-1
  router.get('/v2/*name/blobs/:digest', pull('blob', answerBlob)); // end-2
  router.get('/v2/*name/manifests/:reference', pull('manifest', answerManifest)); // end-3
  router.post(uploads, change('push', startUpload)); // end-4a, end-4b, end-11
  router.patch('/v2/*name/blobs/uploads/:session', change('push', appendToUpload)); // end-5
  router.put('/v2/*name/blobs/uploads/:session', change('push', commitUpload)); // end-6
  router.put('/v2/*name/manifests/:reference', change('push', pushManifest)); // end-7a, end-7b
  router.get('/v2/*name/tags/list', pull('tags', answerTags)); // end-8a, end-8b
  router.delete('/v2/*name/manifests/:reference', change('delete', deleteManifest)); // end-9
  router.delete('/v2/*name/blobs/:digest', change('delete', deleteBlob)); // end-10
  router.get('/v2/*name/referrers/:digest', pull('referrers', answerReferrers)); // end-12a, end-12b
  router.get('/v2/*name/blobs/uploads/:session', change('push', answerUpload)); // end-13
  router.delete('/v2/*name/blobs/uploads/:session', change('push', cancelUpload)); // end-14
  router.delete('/v2/*name/tags/reference/:tag', change('delete', deleteTag)); // GitLab's other way to end-9
  router.get('/v2/_catalog', (ctx) => answerCatalog(ctx, catalog)); // Docker's

  const routes = router.routes();
  return (ctx, next) => {
    const { path } = ctx;
    if (!path.startsWith('/v2/') && path !== '/v2') return next();
    ctx.set('Docker-Distribution-Api-Version', 'registry/2.0');
    const answer = () => access.middleware(ctx, () => routes(ctx, async () => refuse(ctx)));
    if (!isRead(ctx)) return answerEarly(ctx, () => answerErrors(ctx, answer));
    // For caches in front of us that take no notice of credentials by themselves, such as nginx's.
    ctx.set('Vary', 'Authorization');
    return answer();
  };

  function pull(kind: PullKind, respond: Pull) {
    return async (ctx: EndpointContext): Promise<void> => {
      const name = nameOf(ctx);
      await access.require(ctx, name, 'pull');
      const repository = await repositories.find(name);
      if (repository) await respond(ctx, { repository, name, stalledMs });
      else if (kind === 'referrers') answerNoReferrers(ctx);
      else throw new OciError('NAME_UNKNOWN', { detail: `there is no repository ${name}` });
      if (ctx.state.outcome) observer.pulled(kind, ctx.state.outcome);
      if (pullEvents?.areWanted) notePull(ctx, name, pullEvents);
    };
  }

  function change(action: Action, respond: Change) {
    return async (ctx: EndpointContext): Promise<void> => {
      const name = nameOf(ctx);
      // First, since no token is good for it then, and another one would not help.
      if (!isRead(ctx)) await requireChangeable();
      await access.require(ctx, name, action);
      const protectionLevel = await access.protectionLevel(ctx, name);
      const writer = writerOf(ctx.state, protectionLevel, originOf(ctx));
      const repository = await repositories.getWritable(name, writer);
      const findSource = (source: RepositoryName) => findPullable(ctx, source);
      try {
        await respond(ctx, { repository, name, stalledMs, maxManifestBytes, findSource, observer });
      } catch (error) {
        if (error instanceof OciError && error.status === 405) ctx.set('Allow', otherMethods(ctx));
        throw error;
      }
    };
  }

  /** @throws OciError UNAVAILABLE */
  async function requireChangeable(): Promise<void> {
    const detail = await maintenance.readOnlyReason();
    if (detail !== undefined) throw new OciError('UNAVAILABLE', { detail });
  }

  /** What may not be pulled from is as what does not exist. */
  async function findPullable(
    ctx: EndpointContext,
    name: RepositoryName,
  ): Promise<ReadableRepository | undefined> {
    try {
      await access.require(ctx, name, 'pull');
      return await repositories.find(name);
    } catch (error) {
      if (error instanceof OciError) return undefined;
      throw error;
    }
  }
}

/** Neither has a body worth reading, nor changes anything. */
function isRead({ method }: RequestContext): boolean {
  return method === 'GET' || method === 'HEAD';
}

function answerBase(ctx: EndpointContext): void {
  tellFeatures(ctx);
  ctx.set('Content-Type', 'application/json');
  ctx.set('Cache-Status', cacheStatus.none);
  ctx.body = '{}';
}

/** What no endpoint answers. */
function refuse(ctx: RequestContext): never {
  const allowed = otherMethods(ctx);
  if (allowed === '')
    throw new OciError('UNSUPPORTED', { status: 404, detail: 'there is nothing at this path' });
  throw new OciError('UNSUPPORTED', {
    detail: `${ctx.method} is not possible at this path, only ${allowed}`,
    headers: { Allow: allowed },
  });
}

/** That the path has, whatever this request's is. */
function otherMethods(ctx: RequestContext): string {
  const matched: EndpointContext['matched'] = ctx['matched'];
  const methods = new Set(matched?.flatMap((layer) => layer.methods));
  methods.delete(ctx.method);
  return [...methods].join(', ');
}
