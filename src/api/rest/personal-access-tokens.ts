/** https://docs.gitlab.com/api/personal_access_tokens/ */
import { z } from 'zod';
import { tokenScopes } from '../../auth/identity.ts';
import type { AccessToken, AccessTokenService } from '../../management/access-tokens.ts';
import { type Actor, userOf } from '../../management/actor.ts';
import { date, formatDate, formatInstant } from './dates.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { PagedBody, pageOf, pageParams } from './pagination.ts';
import { filled, integer, list, maxDescriptionLength, maxNameLength, recordId, text } from './parameters.ts';

const newToken = z.object({
  name: filled(maxNameLength),
  description: text(maxDescriptionLength).optional(),
  scopes: list(z.enum(tokenScopes), tokenScopes.length).refine((scopes) => scopes.length > 0, 'is empty'),
  expires_at: date.optional(),
});
const filter = pageParams.extend({
  user_id: integer.optional(),
  state: z.enum(['active', 'inactive']).optional(),
  search: text(255).optional(),
});
const userId = z.object({ user_id: integer });

export function personalAccessTokenEndpoints(
  tokens: AccessTokenService,
  now: () => number,
): readonly Endpoint[] {
  const create = async (actor: Actor, owner: number, { expires_at, ...input }: z.output<typeof newToken>) => {
    const scopes = [...new Set(input.scopes)];
    const created = await tokens.create(actor, owner, {
      ...input,
      scopes,
      expiresAt: expires_at ?? undefined,
    });
    return { ...tokenBody(created.record, now()), token: created.token };
  };
  return [
    endpoint({
      method: 'POST',
      path: '/user/personal_access_tokens',
      summary: 'Create a personal access token of one’s own',
      params: newToken,
      status: 201,
      handle: (actor, input) => create(actor, userOf(actor).userId, input),
    }),
    endpoint({
      method: 'POST',
      path: '/users/:user_id/personal_access_tokens',
      summary: 'Create a personal access token of someone else',
      pathParams: userId,
      params: newToken,
      status: 201,
      handle: (actor, { user_id, ...input }) => create(actor, user_id, input),
    }),
    endpoint({
      method: 'GET',
      path: '/personal_access_tokens',
      summary: 'Personal access tokens, newest first',
      params: filter,
      status: 200,
      handle: async (actor, input) => {
        const { user_id: owner, state, search } = input;
        const isActive = state && state === 'active';
        const found = await tokens.list(actor, { userId: owner, isActive, search }, pageOf(input));
        return new PagedBody(
          found.records.map((token) => tokenBody(token, now())),
          found.total,
          input,
        );
      },
    }),
    endpoint({
      method: 'GET',
      path: '/personal_access_tokens/self',
      summary: 'The personal access token this is asked with',
      status: 200,
      purpose: 'own-token',
      handle: async (actor) => tokenBody(await tokens.getCurrent(actor), now()),
    }),
    endpoint({
      method: 'DELETE',
      path: '/personal_access_tokens/self',
      summary: 'Revoke the personal access token this is asked with',
      status: 204,
      purpose: 'own-token',
      handle: (actor) => tokens.revokeCurrent(actor),
    }),
    endpoint({
      method: 'GET',
      path: '/personal_access_tokens/:id',
      summary: 'A personal access token',
      pathParams: recordId,
      status: 200,
      handle: async (actor, { id }) => tokenBody(await tokens.get(actor, id), now()),
    }),
    endpoint({
      method: 'DELETE',
      path: '/personal_access_tokens/:id',
      summary: 'Revoke a personal access token',
      pathParams: recordId,
      status: 204,
      handle: (actor, { id }) => tokens.revoke(actor, id),
    }),
  ];
}

function tokenBody(token: AccessToken, now: number) {
  const isRevoked = token.revokedAt !== undefined;
  const isExpired = token.expiresAt !== undefined && token.expiresAt <= now;
  return {
    id: token.id,
    name: token.name,
    revoked: isRevoked,
    created_at: formatInstant(token.createdAt),
    description: token.description ?? null,
    scopes: token.scopes,
    user_id: token.userId,
    last_used_at: formatInstant(token.lastUsedAt),
    active: !isRevoked && !isExpired,
    expires_at: formatDate(token.expiresAt),
  };
}
