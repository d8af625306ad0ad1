/** A repository with its size, and the repositories below a path. */

import { isRepositoryName, type RepositoryName } from '../../oci/reference.ts';
import type { RequestContext } from '../state.ts';
import { answerJson, changeTimeOf, lastSegmentOf, timeOf } from './answers.ts';
import { linkPages } from './page-links.ts';
import { badValue, parseLimit, queryOf } from './query.ts';
import type { Inventory, SizeScope } from './services.ts';

export async function answerRepository(
  ctx: RequestContext,
  name: RepositoryName,
  size: SizeScope | undefined,
  inventory: Inventory,
): Promise<void> {
  const { detail, lastPublishedAt, size: found } = await inventory.repository(name, size);
  answerJson(ctx, {
    name: lastSegmentOf(name),
    path: name,
    size_bytes: found?.bytes,
    size_precision: found?.precision,
    created_at: detail && timeOf(detail.createdAt),
    updated_at: detail && changeTimeOf(detail.createdAt, detail.updatedAt),
    last_published_at: lastPublishedAt === undefined ? undefined : timeOf(lastPublishedAt),
  });
}

export async function answerSubRepositories(
  ctx: RequestContext,
  path: RepositoryName,
  inventory: Inventory,
): Promise<void> {
  const query = queryOf(ctx);
  const limit = parseLimit(query);
  const after = query.get('last') ?? '';
  if (after !== '' && !isRepositoryName(after)) throw badValue('last', 'must be the path of a repository');
  const { repositories, hasMore } = await inventory.repositories(path, { after, limit });
  linkPages(ctx, limit, { previous: undefined, next: hasMore ? repositories.at(-1)?.name : undefined });
  answerJson(
    ctx,
    repositories.map(({ name, createdAt, updatedAt }) => ({
      name: lastSegmentOf(name),
      path: name,
      created_at: timeOf(createdAt),
      updated_at: changeTimeOf(createdAt, updatedAt),
    })),
  );
}
