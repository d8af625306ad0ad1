/** Lists in byte order and in pages: the tags of a repository (end-8a, end-8b), and Docker's catalog from before the OCI specification. */
import type { RequestContext } from '../state.ts';
import { cacheStatus } from './cache-status.ts';
import { linkNextPage, pageRequestOf } from './paging.ts';
import type { Catalog } from './services.ts';
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

/** The names of hosted repositories, as far as they are the client's to know. */
export async function answerCatalog(ctx: RequestContext, catalog: Catalog): Promise<void> {
  const page = pageRequestOf(ctx);
  const { names, hasMore } = await catalog.list(ctx.state.identity, page);
  if (hasMore) linkNextPage(ctx, page, names.at(-1));
  ctx.set('Content-Type', 'application/json');
  ctx.set('Cache-Status', cacheStatus.none);
  ctx.body = JSON.stringify({ repositories: names });
}
