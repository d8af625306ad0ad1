/** Lists of tags. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags (end-8) */
import { z } from 'zod';
import { isTag, type RepositoryName, type Tag } from '../oci/reference.ts';
import { UpstreamError } from './errors.ts';
import { readPages } from './list-pages.ts';
import type { Registry } from './registry.ts';

const tagsPerPage = 1000;
const listSchema = z.object({ tags: z.array(z.unknown()).nullish() });

/** All pages, in byte order without duplicates; what is no tag is left out. @throws UpstreamError or the signal's reason. */
export async function listTags(
  registry: Registry,
  repository: RepositoryName,
  signal: AbortSignal | undefined,
): Promise<readonly Tag[]> {
  const first = registry.urlOf(`${repository}/tags/list?n=${tagsPerPage}`);
  const pages = readPages(first, (url, parse) =>
    registry.ask({ kind: 'tags', method: 'GET', url, repository, statuses: [200] }, signal, parse),
  );
  const tags = new Set<Tag>();
  for await (const page of pages) {
    const list = listSchema.safeParse(page);
    if (!list.success) throw new UpstreamError('invalid', 'sent a list of tags that is none');
    for (const tag of list.data.tags ?? []) if (typeof tag === 'string' && isTag(tag)) tags.add(tag);
  }
  return [...tags].sort();
}
