/** https://docs.gitlab.com/api/namespaces/ */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { idOf } from '../endpoint/named-ids.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { groupId, maxNameLength, textOrNone, truth } from '../endpoint/parameters.ts';
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
      handle: async (actor, { search, ownedOnly, topLevelOnly, ...page }, { externalUrl }) => {
        const filter = { search, isOwned: ownedOnly, isTopLevel: topLevelOnly };
        return pageBody(await namespaces.list(actor, filter, page), page, (group) =>
          namespaceBody(group, externalUrl),
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
      params: z.object({ parent_id: idOf('group').optional() }),
      status: 200,
      response: z.object({ exists: z.boolean(), suggests: z.array(z.string()) }),
      handle: (actor, { id, parentId }) => namespaces.findSuggestion(actor, id, parentId),
    }),
  ];
}
