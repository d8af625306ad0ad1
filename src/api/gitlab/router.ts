/**
 * /gitlab/v1, as GitLab's container registry has it beside /v2: what is in hosted repositories, for the same tokens.
 * https://gitlab.com/gitlab-org/container-registry/-/blob/v4.32.0-gitlab/docs/spec/gitlab/api.md
 */
import { Router } from '@koa/router';
import { OciError } from '../../oci/errors.ts';
import { belowName, type RepositoryName } from '../../oci/reference.ts';
import { answerErrors } from '../errors.ts';
import { answerEarly } from '../registry/early-answer.ts';
import { type EndpointContext, nameOf } from '../registry/endpoint.ts';
import type { RegistryMiddleware } from '../registry/router.ts';
import type { RequestContext, RequestState } from '../state.ts';
import { answerJson } from './answers.ts';
import { compatibleVersion, features, tellFeatures } from './features.ts';
import { maxQueryLength, parseOneOf, queryOf } from './query.ts';
import { answerRename } from './renames.ts';
import { answerRepository, answerSubRepositories } from './repositories.ts';
import { gitlabPrefix } from './scopes.ts';
import type { GitlabOptions } from './services.ts';
import { answerTag, answerTagList } from './tags.ts';

const repositories = '/gitlab/v1/repositories/*name';

/** Answers every request under /gitlab/v1 and leaves the others alone. */
export function createGitlabRouter(options: GitlabOptions): RegistryMiddleware {
  const { access, inventory, statistics, renames, maintenance } = options;
  const router = new Router<RequestState>({ sensitive: true, strict: true });

  router.get('/gitlab/v1/', (ctx) => {
    ctx.status = 200;
    ctx.body = '';
  });
  router.get('/gitlab/v1/statistics/', answerStatistics);
  router.get(
    '/gitlab/v1/repository-paths/*name/repositories/list/',
    pull(async (ctx, name) => {
      await access.require(ctx, belowName(name), 'pull');
      await answerSubRepositories(ctx, name, inventory);
    }),
  );
  router.get(`${repositories}/tags/list/`, pull(pullable(answerTagList)));
  router.get(`${repositories}/tags/detail/:tag/`, pull(pullable(answerTag)));
  router.get(`${repositories}/`, pull(answerDetails));
  router.patch(`${repositories}/`, rename);

  const routes = router.routes();
  return async (ctx, next) => {
    const { path } = ctx;
    if (!`${path}/`.startsWith(gitlabPrefix)) return next();
    if (!path.endsWith('/') && ctx.url.length <= maxQueryLength && isKnown(`${path}/`, ctx.method))
      return redirect(ctx);
    tellFeatures(ctx);
    const answer = () => access.middleware(ctx, () => routes(ctx, async () => refuse(ctx)));
    return isRead(ctx) ? answer() : answerEarly(ctx, () => answerErrors(ctx, answer));
  };

  async function rename(ctx: EndpointContext): Promise<void> {
    const name = nameOf(ctx);
    const detail = await maintenance.readOnlyReason();
    if (detail !== undefined) throw new OciError('UNAVAILABLE', { detail });
    await access.require(ctx, name, 'push');
    await answerRename(ctx, name, renames);
  }

  /** Of a virtual registry there is nothing to tell. */
  function pull(respond: (ctx: EndpointContext, name: RepositoryName) => Promise<void>) {
    return (ctx: EndpointContext): Promise<void> => respond(ctx, nameOf(ctx));
  }

  function pullable(
    respond: (ctx: EndpointContext, name: RepositoryName, from: typeof inventory) => Promise<void>,
  ) {
    return async (ctx: EndpointContext, name: RepositoryName): Promise<void> => {
      await access.require(ctx, name, 'pull');
      await respond(ctx, name, inventory);
    };
  }

  /** The size of all below a path is for those who may pull all below it; the path itself may be a group's. */
  async function answerDetails(ctx: EndpointContext, name: RepositoryName): Promise<void> {
    const size = parseOneOf(queryOf(ctx), 'size', ['self', 'self_with_descendants']);
    const isDeep = size === 'self_with_descendants';
    await access.require(ctx, isDeep ? belowName(name) : name, 'pull');
    await answerRepository(ctx, name, size, inventory);
  }

  async function answerStatistics(ctx: EndpointContext): Promise<void> {
    await statistics.demand(ctx.state.identity);
    const release = { ext_features: features, version: compatibleVersion };
    answerJson(ctx, { release, database: { enabled: true }, import: [] });
  }

  function isKnown(path: string, method: string): boolean {
    return router.match(path, method).path.length > 0;
  }
}

/** Neither has a body worth reading, nor changes anything. */
function isRead({ method }: RequestContext): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** For all methods, and before it is asked who it is: it tells nothing but how paths are written. */
function redirect(ctx: RequestContext): void {
  const { externalUrl } = ctx.state;
  ctx.redirect(`${externalUrl}${ctx.path}/${ctx.search}`);
  ctx.status = 301;
}

function refuse(ctx: RequestContext): never {
  const matched: EndpointContext['matched'] = ctx['matched'];
  const methods = new Set(matched?.flatMap((layer) => layer.methods));
  if (methods.size === 0) throw new OciError('NOT_IMPLEMENTED', { detail: 'there is nothing at this path' });
  const allowed = [...methods].join(', ');
  throw new OciError('UNSUPPORTED', {
    detail: `${ctx.method} is not possible at this path, only ${allowed}`,
    headers: { Allow: allowed },
  });
}
