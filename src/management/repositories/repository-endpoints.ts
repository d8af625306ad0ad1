/** https://docs.gitlab.com/api/container_registry/ */
import { z } from 'zod';
import type { Direction } from '../../metadata/db/page.ts';
import type { RepositoryOrder } from '../../metadata/hosted/repository-lists.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { idOf } from '../endpoint/named-ids.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { groupId, maxNameLength, projectId, text, truth } from '../endpoint/parameters.ts';
import type { CamelCased } from '../endpoint/wire.ts';
import type { RepositorySearch, RepositoryService } from './repositories.ts';
import {
  listedRepositoryBody,
  listedRepositoryResponse,
  repositoryBody,
  repositoryDetailsResponse,
} from './repository-body.ts';

/** The path parameters of a repository in a project. */
export const repositoryPath = projectId.extend({ repository_id: idOf('repository') });

/** Which way lists go that are sorted by what changes: the newest and the biggest first. */
export function directionOf(by: string, given: Direction | undefined): Direction {
  return given ?? (by === 'name' || by === 'id' ? 'asc' : 'desc');
}

/** Search and order are ours; GitLab has neither. */
const filter = pageParams.extend({
  search: text(maxNameLength).optional(),
  order_by: z.enum(['id', 'name', 'size', 'last_published_at', 'last_pulled_at']).default('id'),
  sort: z.enum(['asc', 'desc']).optional(),
});
const extras = { tags: truth.default(false), tags_count: truth.default(false) };

const orders = {
  id: 'id',
  name: 'name',
  size: 'size',
  last_published_at: 'published',
  last_pulled_at: 'pulled',
} as const satisfies Record<string, RepositoryOrder>;

export function repositoryEndpoints(repositories: RepositoryService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/projects/:id/registry/repositories',
      summary: 'The repositories of a project',
      pathParams: projectId,
      params: filter.extend(extras),
      response: z.array(listedRepositoryResponse),
      status: 200,
      isPublic: true,
      takesJobTokens: true,
      handle: async (actor, { id, tags, tagsCount, ...given }, { externalUrl }) => {
        const found = await repositories.listOfProject(
          actor,
          id,
          searchOf(given),
          { tags, tagsCount: tagsCount || tags },
          given,
        );
        return pageBody(found, given, (each) => listedRepositoryBody(each, externalUrl));
      },
    }),
    endpoint({
      method: 'GET',
      path: '/groups/:id/registry/repositories',
      summary:
        'The repositories in the projects of a group and of its subgroups, as far as one may pull from them',
      pathParams: groupId,
      params: filter,
      response: z.array(listedRepositoryResponse),
      status: 200,
      isPublic: true,
      handle: async (actor, { id, ...given }, { externalUrl }) => {
        const found = await repositories.listOfGroup(actor, id, searchOf(given), given);
        return pageBody(found, given, (each) => listedRepositoryBody(each, externalUrl));
      },
    }),
    endpoint({
      method: 'GET',
      path: '/registry/repositories/:id',
      summary: 'A repository',
      pathParams: z.object({ id: idOf('repository') }),
      params: z.object({ ...extras, size: truth.default(false) }),
      response: repositoryDetailsResponse,
      status: 200,
      takesJobTokens: true,
      handle: async (actor, { id, tags, tagsCount, size }, { externalUrl }) => {
        const wanted = { tags, tagsCount: tagsCount || tags, size };
        const { repository, mayDelete, bytes } = await repositories.get(actor, id, wanted);
        const path = `${externalUrl}/api/v4/projects/${repository.projectId}/registry/repositories/${id}`;
        return {
          ...repositoryBody(repository, externalUrl),
          size: bytes,
          deleteApiPath: mayDelete ? path : undefined,
        };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/projects/:id/registry/repositories/:repository_id',
      summary: 'Delete a repository with its tags, in the background',
      pathParams: repositoryPath,
      response: z.literal(202),
      status: 202,
      takesJobTokens: true,
      handle: async (actor, { id, repositoryId }) => {
        await repositories.remove(actor, { project: id, id: repositoryId });
        return 202 as const;
      },
    }),
  ];
}

function searchOf({
  search,
  orderBy,
  sort,
}: Pick<CamelCased<z.output<typeof filter>>, 'search' | 'orderBy' | 'sort'>): RepositorySearch {
  const by = orders[orderBy];
  return { search, by, direction: directionOf(by, sort) };
}
