/** https://docs.gitlab.com/api/groups/ */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { idOf } from '../endpoint/named-ids.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import {
  filled,
  groupId,
  maxDescriptionLength,
  maxNameLength,
  orNone,
  quota,
  someOf,
  text,
  truth,
  visibility,
} from '../endpoint/parameters.ts';
import { accepted, acceptedResponse } from '../endpoint/response.ts';
import {
  groupBody,
  groupDetailsResponse,
  groupResponse,
  groupStatistics,
  shownGroupBody,
  shownGroupResponse,
} from './group-body.ts';
import type { GroupService } from './groups.ts';

const filter = pageParams.extend({ search: text(maxNameLength).optional() });
const newGroup = z.object({
  name: filled(maxNameLength),
  path: filled(maxNameLength),
  description: orNone(text(maxDescriptionLength).nullable()),
  visibility: visibility.default('private'),
  parent_id: orNone(idOf('group').nullable()),
});
const groupChanges = someOf(
  z.object({
    name: filled(maxNameLength).optional(),
    path: filled(maxNameLength).optional(),
    description: text(maxDescriptionLength).nullish(),
    visibility: visibility.optional(),
    container_registry_quota_bytes: quota.optional(),
    virtual_registries_enabled: truth.optional(),
  }),
);

export function groupEndpoints(groups: GroupService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/groups',
      summary: 'The groups that one may know of, by path',
      params: filter,
      status: 200,
      isPublic: true,
      response: z.array(shownGroupResponse),
      handle: async (actor, { search, ...page }, { externalUrl }) =>
        pageBody(await groups.list(actor, search, page), page, (group) =>
          shownGroupBody(actor, group, externalUrl),
        ),
    }),
    endpoint({
      method: 'GET',
      path: '/groups/:id/subgroups',
      summary: 'The groups directly below a group that one may know of, by path',
      pathParams: groupId,
      params: filter,
      status: 200,
      isPublic: true,
      response: z.array(shownGroupResponse),
      handle: async (actor, { id, search, ...page }, { externalUrl }) =>
        pageBody(await groups.listSubgroups(actor, id, search, page), page, (group) =>
          shownGroupBody(actor, group, externalUrl),
        ),
    }),
    endpoint({
      method: 'GET',
      path: '/groups/:id/descendant_groups',
      summary: 'The groups below a group, at any depth, that one may know of, by path',
      pathParams: groupId,
      params: filter,
      status: 200,
      isPublic: true,
      response: z.array(shownGroupResponse),
      handle: async (actor, { id, search, ...page }, { externalUrl }) =>
        pageBody(await groups.listDescendants(actor, id, search, page), page, (group) =>
          shownGroupBody(actor, group, externalUrl),
        ),
    }),
    endpoint({
      method: 'POST',
      path: '/groups',
      summary: 'Create a group, at the top or in another one',
      params: newGroup,
      status: 201,
      response: groupResponse,
      handle: async (actor, input, { externalUrl }) =>
        groupBody(await groups.create(actor, input), externalUrl),
    }),
    endpoint({
      method: 'GET',
      path: '/groups/:id',
      summary: 'A group',
      pathParams: groupId,
      params: z.object({ statistics: truth.default(false) }),
      status: 200,
      isPublic: true,
      response: groupDetailsResponse,
      handle: async (actor, { id, statistics }, { externalUrl }) => {
        const group = await groups.get(actor, id);
        const sizes = statistics ? await groups.findSizes(actor, group) : undefined;
        return {
          ...shownGroupBody(actor, group, externalUrl),
          ...(sizes && { statistics: groupStatistics(sizes) }),
        };
      },
    }),
    endpoint({
      method: 'PUT',
      path: '/groups/:id',
      summary: 'Change a group',
      pathParams: groupId,
      params: groupChanges,
      status: 200,
      response: groupResponse,
      handle: async (actor, { id, containerRegistryQuotaBytes: quotaBytes, ...changes }, { externalUrl }) =>
        groupBody(await groups.update(actor, id, { ...changes, quotaBytes }), externalUrl),
    }),
    endpoint({
      method: 'DELETE',
      path: '/groups/:id',
      summary: 'Delete a group with all that belongs to it',
      pathParams: groupId,
      status: 202,
      response: acceptedResponse,
      handle: async (actor, { id }, { unmodifiedSince }) => {
        await groups.remove(actor, id, unmodifiedSince);
        return accepted;
      },
    }),
  ];
}
