/** https://docs.gitlab.com/api/groups/ */
import { z } from 'zod';
import type { GroupService } from '../../management/groups.ts';
import type { Group } from '../../metadata/groups.ts';
import { formatInstant } from './dates.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { PagedBody, pageOf, pageParams } from './pagination.ts';
import { filled, groupId, integer, maxDescriptionLength, maxNameLength, text } from './parameters.ts';

const filter = pageParams.extend({ search: text(maxNameLength).optional() });
const newGroup = z.object({
  name: filled(maxNameLength),
  path: filled(maxNameLength),
  description: text(maxDescriptionLength).nullish(),
  visibility: z.enum(['private', 'internal', 'public']).default('private'),
  /** Of a subgroup: there are none. */
  parent_id: integer.nullish().refine((id) => id === undefined || id === null, 'does not have a valid value'),
});

export function groupEndpoints(groups: GroupService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/groups',
      summary: 'The groups that one may know of, by path',
      params: filter,
      status: 200,
      handle: async (actor, { search, ...page }, { externalUrl }) => {
        const { records, total } = await groups.list(actor, search, pageOf(page));
        return new PagedBody(
          records.map((group) => groupBody(group, externalUrl)),
          total,
          page,
        );
      },
    }),
    endpoint({
      method: 'POST',
      path: '/groups',
      summary: 'Create a top-level group',
      params: newGroup,
      status: 201,
      handle: async (actor, { name, path, description, visibility }, { externalUrl }) => {
        const input = { name, path, description: description ?? undefined, visibility };
        return groupBody(await groups.create(actor, input), externalUrl);
      },
    }),
    endpoint({
      method: 'GET',
      path: '/groups/:id',
      summary: 'A group',
      pathParams: groupId,
      status: 200,
      handle: async (actor, { id }, { externalUrl }) => groupBody(await groups.get(actor, id), externalUrl),
    }),
    endpoint({
      method: 'DELETE',
      path: '/groups/:id',
      summary: 'Delete a group with all that belongs to it',
      pathParams: groupId,
      status: 202,
      handle: async (actor, { id }, { unmodifiedSince }) => {
        await groups.remove(actor, id, unmodifiedSince);
        return { message: '202 Accepted' };
      },
    }),
  ];
}

function groupBody(group: Group, externalUrl: string) {
  return {
    id: group.id,
    web_url: `${externalUrl}/groups/${group.fullPath}`,
    name: group.name,
    path: group.path,
    description: group.description ?? null,
    visibility: group.visibility,
    full_name: group.name,
    full_path: group.fullPath,
    parent_id: group.parentId ?? null,
    created_at: formatInstant(group.createdAt),
  };
}
