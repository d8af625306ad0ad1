/** The tags of a repository (end-8a, end-8b), in byte order and in pages. */
import type { RequestContext } from '../state.ts';
import { cacheStatus } from './cache-status.ts';
import { linkNextPage, pageRequestOf } from './paging.ts';
import type { PullTarget } from './targets.ts';

export async function answerTags(ctx: RequestContext, { repository, name }: PullTarget): Promise<void> {
  const page = pageRequestOf(ctx);
  const { tags, hasMore, outcome } = await repository.tags(page, ctx.state.left);
  ctx.state.outcome = outcome;
  if (hasMore) linkNextPage(ctx, page, tags.at(-1));
  ctx.set('Content-Type', 'application/json');
  ctx.set('Cache-Status', cacheStatus[outcome]);
  ctx.body = JSON.stringify({ name, tags });
}
