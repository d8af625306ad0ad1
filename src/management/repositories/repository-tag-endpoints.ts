/** https://docs.gitlab.com/api/container_registry/#list-registry-repository-tags */
import { z } from 'zod';
import type { TagOrder } from '../../metadata/hosted/tag-lists.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { continuedBody, pageBody, pageParams } from '../endpoint/pagination.ts';
import { maxNameLength, text, truth } from '../endpoint/parameters.ts';
import {
  tagBody,
  tagCopyResponse,
  tagDetailsBody,
  tagDetailsResponse,
  tagNameBody,
  tagResponse,
} from './repository-body.ts';
import { directionOf, repositoryPath } from './repository-endpoints.ts';
import type { RepositoryTagService } from './repository-tags.ts';

const maxTagLength = 128;

/** `search` and `order_by` are ours. Pages by keyset go by name. */
const filter = pageParams
  .extend({
    pagination: z.enum(['legacy', 'keyset']).default('legacy'),
    last: text(maxTagLength).optional(),
    search: text(maxTagLength).optional(),
    order_by: z.enum(['name', 'size', 'last_published_at', 'last_pulled_at']).default('name'),
    sort: z.enum(['asc', 'desc']).optional(),
  })
  .refine(({ pagination, order_by }) => pagination !== 'keyset' || order_by === 'name', {
    path: ['order_by'],
    error: 'does not have a valid value',
  });

const tagPath = repositoryPath.extend({ tag_name: text(maxTagLength) });

/** What is left out stays as it is. */
const copyParams = z.object({
  destination_repository: text(maxNameLength)
    .optional()
    .meta({ description: 'Its full name, below a project that one may push to: acme/production/web' }),
  destination_tag: text(maxTagLength).optional(),
  referrers: truth
    .default(false)
    .meta({ description: 'Whether signatures and whatever else is attached come along' }),
});

const orders = {
  name: 'name',
  size: 'size',
  last_published_at: 'published',
  last_pulled_at: 'pulled',
} as const satisfies Record<string, TagOrder>;

const tagsPath = '/projects/:id/registry/repositories/:repository_id/tags';

export function repositoryTagEndpoints(tags: RepositoryTagService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: tagsPath,
      summary: 'The tags of a repository',
      pathParams: repositoryPath,
      params: filter,
      response: z.array(tagResponse),
      status: 200,
      isPublic: true,
      takesJobTokens: true,
      handle: async (actor, { id, repositoryId, ...given }, { externalUrl }) => {
        const reference = { project: id, id: repositoryId };
        const by = orders[given.orderBy];
        const direction = directionOf(by, given.sort);
        if (given.pagination === 'keyset') {
          const { last, search, perPage: limit } = given;
          const page = { after: last || undefined, direction, limit };
          const found = await tags.listAfter(actor, reference, search, page);
          return continuedBody(
            found.tags.map((tag) => tagBody(tag, found.repository.name, externalUrl)),
            nextOf(found, limit, direction),
          );
        }
        const search = { search: given.search, by, direction };
        const found = await tags.list(actor, reference, search, given);
        return pageBody(found, given, (tag) => tagBody(tag, found.repository.name, externalUrl));
      },
    }),
    endpoint({
      method: 'GET',
      path: `${tagsPath}/:tag_name`,
      summary: 'A tag, with what its image is',
      pathParams: tagPath,
      response: tagDetailsResponse,
      status: 200,
      isPublic: true,
      takesJobTokens: true,
      handle: async (actor, { id, repositoryId, tagName }, { externalUrl }) => {
        const { tag, image, repository } = await tags.get(actor, { project: id, id: repositoryId }, tagName);
        return tagDetailsBody(actor, tag, image, repository.name, externalUrl);
      },
    }),
    endpoint({
      method: 'POST',
      path: `${tagsPath}/:tag_name/copy`,
      summary: 'Copy an image to another repository or tag, without moving its bytes',
      pathParams: tagPath,
      params: copyParams,
      response: tagCopyResponse,
      status: 201,
      takesJobTokens: true,
      handle: async (actor, { id, repositoryId, tagName, referrers, ...to }, { externalUrl }) => {
        const { project, repository, tag, ...copied } = await tags.copy(
          actor,
          { project: id, id: repositoryId },
          tagName,
          { repository: to.destinationRepository, tag: to.destinationTag, withReferrers: referrers },
        );
        return {
          ...tagNameBody(tag, repository, externalUrl),
          ...copied,
          projectId: project.id,
          projectPath: project.fullPath,
        };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `${tagsPath}/:tag_name`,
      summary: 'Delete a tag',
      pathParams: tagPath,
      response: z.literal(200),
      status: 200,
      takesJobTokens: true,
      errors: [409],
      handle: async (actor, { id, repositoryId, tagName }) => {
        await tags.remove(actor, { project: id, id: repositoryId }, tagName);
        return 200 as const;
      },
    }),
  ];
}

function nextOf(
  { tags, hasMore }: { readonly tags: readonly { readonly name: string }[]; readonly hasMore: boolean },
  perPage: number,
  sort: string,
): Record<string, string> | undefined {
  const last = tags.at(-1)?.name;
  return hasMore && last !== undefined
    ? { pagination: 'keyset', per_page: String(perPage), last, sort }
    : undefined;
}
