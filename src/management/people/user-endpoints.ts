/** https://docs.gitlab.com/api/users/ */
import { z } from 'zod';
import { userOf } from '../acting/actor.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { idOf } from '../endpoint/named-ids.ts';
import { keysetBody, keysetParams, pageBody } from '../endpoint/pagination.ts';
import { filled, maxNameLength, someOf, text, textOrNone, truth } from '../endpoint/parameters.ts';
import type { AnswerOf, CamelCased } from '../endpoint/wire.ts';
import type { ShownUser, UserSearch, UserService } from './users.ts';

const maxPasswordLength = 1024;

const userPath = z.object({ id: idOf('user') });
const newUser = z.object({
  username: filled(maxNameLength),
  name: filled(maxNameLength),
  email: textOrNone(maxNameLength),
  password: textOrNone(maxPasswordLength),
  admin: truth.default(false),
});
const userChanges = someOf(
  z.object({
    username: filled(maxNameLength).optional(),
    name: filled(maxNameLength).optional(),
    email: text(maxNameLength).nullish(),
    password: text(maxPasswordLength).optional(),
    admin: truth.optional(),
  }),
);
const userResponse = z
  .object({
    id: z.int(),
    username: z.string(),
    name: z.string(),
    state: z.enum(['active', 'blocked']),
    bot: z.boolean().meta({ description: 'Whom a group or project access token acts as' }),
    avatar_url: z.null(),
    web_url: z.null(),
    created_at: instantText,
    email: z.string().nullish().meta({ description: 'For themselves and administrators' }),
    is_admin: z.boolean().optional().meta({ description: 'For themselves and administrators' }),
  })
  .meta({ id: 'User' });
const filter = keysetParams.extend({
  order_by: z.literal('id').default('id'),
  sort: z.enum(['asc', 'desc']).default('asc'),
  username: textOrNone(maxNameLength),
  search: textOrNone(maxNameLength),
  active: truth.optional(),
  blocked: truth.optional(),
  admins: truth.optional(),
  humans: truth.optional(),
  without_project_bots: truth.optional(),
});

export function userEndpoints(users: UserService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/user',
      summary: 'The user who asks',
      status: 200,
      response: userResponse,
      purpose: 'read-self',
      handle: async (actor) => userBody(await users.get(actor, userOf(actor).userId)),
    }),
    endpoint({
      method: 'GET',
      path: '/users',
      summary: 'Users, oldest first',
      params: filter,
      status: 200,
      response: z.array(userResponse),
      handle: async (actor, input) => {
        if (input.pagination === 'keyset') {
          const keyset = { after: input.cursor, direction: input.sort, limit: input.perPage };
          return keysetBody(await users.listAfter(actor, searchOf(input), keyset), keyset, userBody);
        }
        return pageBody(await users.list(actor, searchOf(input), input), input, userBody);
      },
    }),
    endpoint({
      method: 'POST',
      path: '/users',
      summary: 'Create a user',
      params: newUser,
      status: 201,
      response: userResponse,
      handle: async (actor, { admin, ...input }) =>
        userBody(await users.create(actor, { ...input, isAdmin: admin })),
    }),
    endpoint({
      method: 'GET',
      path: '/users/:id',
      summary: 'A user',
      pathParams: userPath,
      status: 200,
      response: userResponse,
      handle: async (actor, { id }) => userBody(await users.get(actor, id)),
    }),
    endpoint({
      method: 'PUT',
      path: '/users/:id',
      summary: 'Change a user',
      pathParams: userPath,
      params: userChanges,
      status: 200,
      response: userResponse,
      handle: async (actor, { id, admin: isAdmin, email, ...changes }) =>
        userBody(await users.update(actor, id, { ...changes, isAdmin, email: email === '' ? null : email })),
    }),
    endpoint({
      method: 'DELETE',
      path: '/users/:id',
      summary: 'Delete a user with their roles and tokens',
      pathParams: userPath,
      status: 204,
      handle: (actor, { id }) => users.remove(actor, id),
    }),
    endpoint({
      method: 'POST',
      path: '/users/:id/block',
      summary: 'Refuse a user and their tokens',
      pathParams: userPath,
      status: 201,
      response: z.literal(true),
      handle: async (actor, { id }) => {
        await users.block(actor, id);
        return true as const;
      },
    }),
    endpoint({
      method: 'POST',
      path: '/users/:id/unblock',
      summary: 'Let a blocked user in again',
      pathParams: userPath,
      status: 201,
      response: z.literal(true),
      handle: async (actor, { id }) => {
        await users.unblock(actor, id);
        return true as const;
      },
    }),
  ];
}

function searchOf(input: CamelCased<z.output<typeof filter>>): UserSearch {
  const { username, search, active, blocked, admins, humans, withoutProjectBots } = input;
  return {
    username,
    search,
    state: blocked ? 'blocked' : active ? 'active' : undefined,
    isAdmin: admins ? true : undefined,
    kind: humans || withoutProjectBots ? 'human' : 'any',
  };
}

function userBody({ details, ...user }: ShownUser): AnswerOf<typeof userResponse> {
  return { ...user, ...(details && { ...details, email: details.email ?? null }), bot: user.isBot };
}
