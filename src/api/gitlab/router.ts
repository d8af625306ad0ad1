/**
 * /gitlab/v1, as GitLab's container registry has it beside /v2: what is in hosted repositories, for the same tokens.
 * https://gitlab.com/gitlab-org/container-registry/-/blob/v4.32.0-gitlab/docs/spec/gitlab/api.md
 */
import type { Middleware } from 'koa';
import type { ScopeGrant } from '../../auth/rights/identity.ts';
import { repositoryScope, statisticsScope } from '../../auth/rights/scope.ts';
import { OciError } from '../../oci/errors.ts';
import {
  belowName,
  isRepositoryName,
  parseRepositoryName,
  type RepositoryName,
} from '../../oci/reference.ts';
import { answerErrors } from '../errors.ts';
import { answerEarly } from '../registry/early-answer.ts';
import { type Endpoint, Endpoints, type PathParts } from '../registry/endpoints.ts';
import type { RequestContext, RequestState } from '../state.ts';
import { answerJson } from './answers.ts';
import { compatibleVersion, features, tellFeatures } from './features.ts';
import { maxQueryLength, parseOneOf, queryOf } from './query.ts';
import { answerRename } from './renames.ts';
import { answerRepository, answerSubRepositories } from './repositories.ts';
import type { GitlabOptions } from './services.ts';
import { answerTag, answerTagList } from './tags.ts';

const prefix = '/gitlab/v1/';
const repositories = '/gitlab/v1/repositories/*name';

/** Answers every request under /gitlab/v1 and leaves the others alone. */
export function createGitlabRouter(options: GitlabOptions): Middleware<RequestState> {
  const { access, inventory, statistics, renames, maintenance, offReason } = options;

  const endpoints = new Endpoints([
    ['GET', prefix, { wanted: () => [], answer: answerBase }],
    [
      'GET',
      '/gitlab/v1/statistics/',
      { wanted: () => [statisticsScope], demanded: statisticsScope, answer: answerStatistics },
    ],
    [
      'GET',
      '/gitlab/v1/repository-paths/*name/repositories/list/',
      { wanted: wantedBelow, answer: answerBelow },
    ],
    ['GET', `${repositories}/tags/list/`, pull(answerTagList)],
    ['GET', `${repositories}/tags/detail/:tag/`, pull(answerTag)],
    ['GET', `${repositories}/`, { wanted: wantedOf, answer: answerDetails }],
    ['PATCH', `${repositories}/`, { wanted: wantedOf, answer: rename }],
  ]);

  return async (ctx, next) => {
    const { path } = ctx;
    if (!`${path}/`.startsWith(prefix)) return next();
    if (!path.endsWith('/') && ctx.url.length <= maxQueryLength && endpoints.has(`${path}/`))
      return redirect(ctx);
    tellFeatures(ctx);
    const answer = async () => {
      const detail = await offReason?.();
      if (detail !== undefined) throw new OciError('NOT_IMPLEMENTED', { detail });
      await endpoints.answer(ctx, access, () => refuse(ctx));
    };
    return isRead(ctx) ? answer() : answerEarly(ctx, () => answerErrors(ctx, answer));
  };

  async function rename(ctx: RequestContext, path: PathParts): Promise<void> {
    const name = parseRepositoryName(path.name);
    const detail = await maintenance.readOnlyReason();
    if (detail !== undefined) throw new OciError('UNAVAILABLE', { detail });
    await access.require(ctx, { name, action: 'push' });
    await answerRename(ctx, name, renames);
  }

  /** An endpoint for whoever may pull; of a virtual registry it tells nothing. */
  function pull(
    respond: (
      ctx: RequestContext,
      name: RepositoryName,
      from: typeof inventory,
      path: PathParts,
    ) => Promise<void>,
  ): Endpoint {
    return {
      wanted: wantedOf,
      async answer(ctx, path) {
        const name = parseRepositoryName(path.name);
        await access.require(ctx, { name, action: 'pull' });
        await respond(ctx, name, inventory, path);
      },
    };
  }

  async function answerBelow(ctx: RequestContext, path: PathParts): Promise<void> {
    const name = parseRepositoryName(path.name);
    await access.require(ctx, { name: belowName(name), action: 'pull' });
    await answerSubRepositories(ctx, name, inventory);
  }

  /** Tells of a repository. The size of all below a path is for those who may pull all below it; the path itself may be a group's. */
  async function answerDetails(ctx: RequestContext, path: PathParts): Promise<void> {
    const name = parseRepositoryName(path.name);
    const size = parseOneOf(queryOf(ctx), 'size', ['self', 'self_with_descendants']);
    const isDeep = size === 'self_with_descendants';
    await access.require(ctx, { name: isDeep ? belowName(name) : name, action: 'pull' });
    await answerRepository(ctx, name, size, inventory);
  }

  async function answerStatistics(ctx: RequestContext): Promise<void> {
    await statistics.demand(ctx.state.identity);
    const release = { ext_features: features, version: compatibleVersion };
    answerJson(ctx, { release, database: { enabled: true }, import: [] });
  }

  function refuse(ctx: RequestContext): never {
    const allowed = endpoints.otherMethods(ctx);
    if (allowed === '') throw new OciError('NOT_IMPLEMENTED', { detail: 'there is nothing at this path' });
    throw new OciError('UNSUPPORTED', {
      detail: `${ctx.method} is not possible at this path, only ${allowed}`,
      headers: { Allow: allowed },
    });
  }
}

function answerBase(ctx: RequestContext): void {
  ctx.status = 200;
  ctx.body = '';
}

/** The scopes that a token carries for a repository, and for all below it where its size is asked for with theirs. */
function wantedOf(ctx: RequestContext, name: string): readonly ScopeGrant[] {
  const isDeep = new URLSearchParams(ctx.querystring).get('size') === 'self_with_descendants';
  return isDeep ? wantedBelow(ctx, name) : wantedBelow(ctx, name).slice(0, 1);
}

/** The scopes for all below a path; none where the path names nothing, or what may not stand in a header. */
function wantedBelow({ method }: RequestContext, name: string): readonly ScopeGrant[] {
  if (!isRepositoryName(name)) return [];
  const actions = method === 'PATCH' ? ['pull', 'push'] : ['pull'];
  return [repositoryScope(name, actions), repositoryScope(belowName(name), ['pull'])];
}

/** Whether the method has no body worth reading, and changes nothing. */
function isRead({ method }: RequestContext): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Redirects any method before it is asked who it is: it tells nothing but how paths are written. */
function redirect(ctx: RequestContext): void {
  ctx.redirect(`${ctx.state.locationBase}${ctx.path}/${ctx.search}`);
  ctx.status = 301;
}
