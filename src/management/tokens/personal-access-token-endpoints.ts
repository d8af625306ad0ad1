/** https://docs.gitlab.com/api/personal_access_tokens/ */
import { z } from 'zod';
import { tokenScopes } from '../../auth/rights/identity.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { idOf } from '../endpoint/named-ids.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { recordId, text } from '../endpoint/parameters.ts';
import type { CamelCased } from '../endpoint/wire.ts';
import {
  accessTokenBody,
  accessTokenResponse,
  newAccessToken,
  newAccessTokenResponse,
  rotation,
  tokenState,
} from './access-token-body.ts';
import type { AccessTokenService } from './access-tokens.ts';

const newToken = newAccessToken(tokenScopes);
const filter = pageParams.extend({
  user_id: idOf('user').optional(),
  state: tokenState.optional(),
  search: text(255).optional(),
});
const userPath = z.object({ user_id: idOf('user') });

export function personalAccessTokenEndpoints(
  tokens: AccessTokenService,
  now: () => number,
): readonly Endpoint[] {
  const create = async (actor: Actor, owner: number, input: CamelCased<z.output<typeof newToken>>) => {
    const scopes = [...new Set(input.scopes)];
    const created = await tokens.create(actor, owner, { ...input, scopes });
    return { ...accessTokenBody(created.record, now()), token: created.token };
  };
  return [
    endpoint({
      method: 'POST',
      path: '/user/personal_access_tokens',
      summary: 'Create a personal access token of one’s own',
      params: newToken,
      status: 201,
      response: newAccessTokenResponse,
      handle: (actor, input) => create(actor, userOf(actor).userId, input),
    }),
    endpoint({
      method: 'POST',
      path: '/users/:user_id/personal_access_tokens',
      summary: 'Create a personal access token of someone else',
      pathParams: userPath,
      params: newToken,
      status: 201,
      response: newAccessTokenResponse,
      handle: (actor, { userId, ...input }) => create(actor, userId, input),
    }),
    endpoint({
      method: 'GET',
      path: '/personal_access_tokens',
      summary: 'Personal access tokens, newest first',
      params: filter,
      status: 200,
      response: z.array(accessTokenResponse),
      handle: async (actor, input) => {
        const { userId, state, search } = input;
        const isActive = state && state === 'active';
        const found = await tokens.list(actor, { userId, isActive, search }, input);
        return pageBody(found, input, (token) => accessTokenBody(token, now()));
      },
    }),
    endpoint({
      method: 'GET',
      path: '/personal_access_tokens/self',
      summary: 'The personal access token this is asked with',
      status: 200,
      response: accessTokenResponse,
      purpose: 'own-token',
      handle: async (actor) => accessTokenBody(await tokens.getCurrent(actor), now()),
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
      method: 'POST',
      path: '/personal_access_tokens/self/rotate',
      summary: 'Put another token in place of the personal access token this is asked with',
      params: rotation,
      status: 200,
      response: newAccessTokenResponse,
      handle: async (actor, { expiresAt }) => {
        const { record, token } = await tokens.rotateCurrent(actor, expiresAt);
        return { ...accessTokenBody(record, now()), token };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/personal_access_tokens/:id',
      summary: 'A personal access token',
      pathParams: recordId,
      status: 200,
      response: accessTokenResponse,
      handle: async (actor, { id }) => accessTokenBody(await tokens.get(actor, id), now()),
    }),
    endpoint({
      method: 'POST',
      path: '/personal_access_tokens/:id/rotate',
      summary: 'Put another token in place of a personal access token',
      pathParams: recordId,
      params: rotation,
      status: 200,
      response: newAccessTokenResponse,
      handle: async (actor, { id, expiresAt }) => {
        const { record, token } = await tokens.rotate(actor, id, expiresAt);
        return { ...accessTokenBody(record, now()), token };
      },
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
