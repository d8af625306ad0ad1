/** https://docs.gitlab.com/api/namespaces/ */
import { z } from 'zod';
import { type Endpoint, wireEndpoint as endpoint } from '../endpoint/endpoint.ts';
import { PagedBody, pageOf, pageParams } from '../endpoint/pagination.ts';
import { groupId, integer, maxNameLength, textOrNone, truth } from '../endpoint/parameters.ts';
import { namespaceBody, namespaceResponse } from './group-body.ts';
import type { GroupService } from './groups.ts';
import type { NamespaceService } from './namespaces.ts';

const filter = pageParams.extend({
  search: textOrNone(maxNameLength),
  owned_only: truth.default(false),
  top_level_only: truth.default(false),
});

export function namespaceEndpoints(namespaces: NamespaceService, groups: GroupService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/namespaces',
      summary: 'The groups in which one has a role, for administrators all, by path',
      params: filter,
      status: 200,
      response: z.array(namespaceResponse),
      handle: async (
        actor,
        { search, owned_only: isOwned, top_level_only: isTopLevel, ...page },
        { externalUrl },
      ) => {
        const { records, total } = await namespaces.list(
          actor,
          { search, isOwned, isTopLevel },
          pageOf(page),
        );
        return new PagedBody(
          records.map((group) => namespaceBody(group, externalUrl)),
          total,
          page,
        );
      },
    }),
    endpoint({
      method: 'GET',
      path: '/namespaces/:id',
      summary: 'A group, as what projects are in',
      pathParams: groupId,
      status: 200,
      response: namespaceResponse,
      handle: async (actor, { id }, { externalUrl }) =>
        namespaceBody(await groups.get(actor, id), externalUrl),
    }),
    endpoint({
      method: 'GET',
      path: '/namespaces/:id/exists',
      summary: 'Whether there is a group of this path, as far as one may know, and what is free beside it',
      pathParams: groupId,
      params: z.object({ parent_id: integer.optional() }),
      status: 200,
      response: z.object({ exists: z.boolean(), suggests: z.array(z.string()) }),
      handle: (actor, { id, parent_id }) => namespaces.findSuggestion(actor, id, parent_id),
    }),
  ];
}
