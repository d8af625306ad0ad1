/** The tags of a repository (end-8a, end-8b), in byte order and in pages. */
import type { RepositoryName } from '../../oci/reference.ts';
import type { ReadableRepository } from '../../oci/repository.ts';
import type { RequestContext } from '../state.ts';
import { cacheStatus } from './cache-status.ts';
import { linkNext, pageSizeOf } from './paging.ts';

/** @param name as the client says it, and as it is told */
export async function answerTags(
  ctx: RequestContext,
  repository: ReadableRepository,
  name: RepositoryName,
): Promise<void> {
  const parameters = new URLSearchParams(ctx.querystring);
  const size = pageSizeOf(parameters);
  const last = parameters.get('last') ?? '';
  const { tags, outcome } = await repository.tags();
  ctx.state.outcome = outcome;
  const first = tags.findIndex((tag) => tag > last);
  const rest = first === -1 ? [] : tags.slice(first);
  const page = rest.slice(0, size);
  const lastOfPage = page.at(-1);
  if (lastOfPage !== undefined && page.length < rest.length)
    linkNext(ctx, { n: String(size), last: lastOfPage });
  ctx.set('Content-Type', 'application/json');
  ctx.set('Cache-Status', cacheStatus[outcome]);
  ctx.body = JSON.stringify({ name, tags: page });
}
