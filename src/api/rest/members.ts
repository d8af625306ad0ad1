/** https://docs.gitlab.com/api/members/ */
import { z } from 'zod';
import { isAccessLevel } from '../../auth/access.ts';
import type { ListedMember, MemberService } from '../../management/members.ts';
import { date, formatDate, formatInstant } from './dates.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { PagedBody, pageOf, pageParams } from './pagination.ts';
import { groupId, integer } from './parameters.ts';

const accessLevel = integer.refine(isAccessLevel, 'does not have a valid value');
const membership = z.object({ access_level: accessLevel, expires_at: date.optional() });
const memberId = groupId.extend({ user_id: integer });

export function memberEndpoints(members: MemberService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/groups/:id/members',
      summary: 'Those who were given a role in this very group, by user id',
      pathParams: groupId,
      params: pageParams,
      status: 200,
      handle: async (actor, { id, ...page }) => {
        const { records, total } = await members.list(actor, id, pageOf(page));
        return new PagedBody(records.map(memberBody), total, page);
      },
    }),
    endpoint({
      method: 'GET',
      path: '/groups/:id/members/all',
      summary:
        'The members of a group and of the groups around it, with the highest role of each, by user id',
      pathParams: groupId,
      params: pageParams,
      status: 200,
      handle: async (actor, { id, ...page }) => {
        const { records, total } = await members.listInherited(actor, id, pageOf(page));
        return new PagedBody(records.map(memberBody), total, page);
      },
    }),
    endpoint({
      method: 'POST',
      path: '/groups/:id/members',
      summary: 'Give a user a role in a group',
      pathParams: groupId,
      params: membership.extend({ user_id: integer }),
      status: 201,
      handle: async (actor, { id, user_id: userId, access_level, expires_at }) =>
        memberBody(
          await members.add(actor, id, {
            userId,
            accessLevel: access_level,
            expiresAt: expires_at ?? undefined,
          }),
        ),
    }),
    endpoint({
      method: 'GET',
      path: '/groups/:id/members/:user_id',
      summary: 'A member of a group',
      pathParams: memberId,
      status: 200,
      handle: async (actor, { id, user_id: userId }) => memberBody(await members.get(actor, id, userId)),
    }),
    endpoint({
      method: 'PUT',
      path: '/groups/:id/members/:user_id',
      summary: 'Change a member’s role',
      pathParams: memberId,
      params: membership,
      status: 200,
      handle: async (actor, { id, user_id: userId, access_level: accessLevel, expires_at: expiresAt }) =>
        memberBody(await members.update(actor, id, userId, { accessLevel, expiresAt })),
    }),
    endpoint({
      method: 'DELETE',
      path: '/groups/:id/members/:user_id',
      summary: 'Take a member’s role away',
      pathParams: memberId,
      status: 204,
      handle: (actor, { id, user_id: userId }) => members.remove(actor, id, userId),
    }),
  ];
}

function memberBody({ userId, username, name, state, accessLevel, createdAt, expiresAt }: ListedMember) {
  return {
    id: userId,
    username,
    name,
    state,
    avatar_url: null,
    web_url: null,
    access_level: accessLevel,
    created_at: formatInstant(createdAt),
    expires_at: formatDate(expiresAt),
  };
}
