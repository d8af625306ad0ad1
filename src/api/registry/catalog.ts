/** The names of hosted repositories, as far as they are the client's to know. Docker's, from before the OCI specification. */
import type { RequestContext } from '../state.ts';
import { cacheStatus } from './cache-status.ts';
import { linkNextPage, pageRequestOf } from './paging.ts';
import type { Catalog } from './services.ts';

export async function answerCatalog(ctx: RequestContext, catalog: Catalog): Promise<void> {
  const page = pageRequestOf(ctx);
  const { names, hasMore } = await catalog.list(ctx.state.identity, page);
  if (hasMore) linkNextPage(ctx, page, names.at(-1));
  ctx.set('Content-Type', 'application/json');
  ctx.set('Cache-Status', cacheStatus.none);
  ctx.body = JSON.stringify({ repositories: names });
}
