/** https://docs.gitlab.com/api/group_members/ and https://docs.gitlab.com/api/project_members/ */
import { z } from 'zod';
import { accessLevel } from '../endpoint/access-level.ts';
import { date, dayText, instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { idOf } from '../endpoint/named-ids.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { maxNameLength, oneOf, orNone, placeId, textOrNone } from '../endpoint/parameters.ts';
import { forEachPlace } from '../endpoint/place-paths.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { ListedMember, MemberService } from './members.ts';

const membership = z.object({ access_level: accessLevel, expires_at: date.optional() });
const newMember = oneOf(
  membership.extend({
    user_id: idOf('user').optional(),
    username: textOrNone(maxNameLength),
    expires_at: orNone(date),
  }),
  ['user_id', 'username'],
);
const memberResponse = z
  .object({
    id: z.int().meta({ description: 'Of the user' }),
    username: z.string(),
    name: z.string(),
    state: z.enum(['active', 'blocked']),
    avatar_url: z.null(),
    web_url: z.null(),
    access_level: z.int(),
    created_at: instantText,
    expires_at: dayText.nullable(),
  })
  .meta({ id: 'Member' });
const memberId = placeId.extend({ user_id: idOf('user') });

export function memberEndpoints(members: MemberService): readonly Endpoint[] {
  return forEachPlace(({ kind, path, of }) => [
    endpoint({
      method: 'GET',
      path: `${path}/members`,
      summary: `Those who were given a role in this very ${kind}, by user id`,
      pathParams: placeId,
      params: pageParams,
      status: 200,
      response: z.array(memberResponse),
      handle: async (actor, { id, ...page }) =>
        pageBody(await members.list(actor, of(id), page), page, memberBody),
    }),
    endpoint({
      method: 'GET',
      path: `${path}/members/all`,
      summary: `The members of a ${kind} and of the groups around it, with the highest role of each, by user id`,
      pathParams: placeId,
      params: pageParams,
      status: 200,
      response: z.array(memberResponse),
      handle: async (actor, { id, ...page }) =>
        pageBody(await members.listInherited(actor, of(id), page), page, memberBody),
    }),
    endpoint({
      method: 'GET',
      path: `${path}/members/all/:user_id`,
      summary: `A member of a ${kind} or of a group around it, with their highest role`,
      pathParams: memberId,
      status: 200,
      response: memberResponse,
      handle: async (actor, { id, userId }) => memberBody(await members.getInherited(actor, of(id), userId)),
    }),
    endpoint({
      method: 'POST',
      path: `${path}/members`,
      summary: `Give a user a role in a ${kind}`,
      pathParams: placeId,
      params: newMember,
      status: 201,
      response: memberResponse,
      handle: async (actor, { id, userId, username = '', ...role }) => {
        const who = userId === undefined ? { username } : { userId };
        return memberBody(await members.add(actor, of(id), { ...role, ...who }));
      },
    }),
    endpoint({
      method: 'GET',
      path: `${path}/members/:user_id`,
      summary: `A member of a ${kind}`,
      pathParams: memberId,
      status: 200,
      response: memberResponse,
      handle: async (actor, { id, userId }) => memberBody(await members.get(actor, of(id), userId)),
    }),
    endpoint({
      method: 'PUT',
      path: `${path}/members/:user_id`,
      summary: `Change a member’s role in a ${kind}`,
      pathParams: memberId,
      params: membership,
      status: 200,
      response: memberResponse,
      handle: async (actor, { id, userId, ...changes }) =>
        memberBody(await members.update(actor, of(id), userId, changes)),
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/members/:user_id`,
      summary: `Take a member’s role in a ${kind} away`,
      pathParams: memberId,
      status: 204,
      handle: (actor, { id, userId }) => members.remove(actor, of(id), userId),
    }),
  ]);
}

function memberBody(member: ListedMember): AnswerOf<typeof memberResponse> {
  return { ...member, id: member.userId };
}
