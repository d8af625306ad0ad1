/** https://docs.gitlab.com/api/group_access_tokens/ and https://docs.gitlab.com/api/project_access_tokens/ */
import { z } from 'zod';
import { accessLevel } from '../endpoint/access-level.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { integer, placeId } from '../endpoint/parameters.ts';
import { forEachPlace } from '../endpoint/place-paths.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import {
  accessTokenBody,
  accessTokenResponse,
  newAccessToken,
  newAccessTokenResponse,
  rotation,
  tokenState,
} from './access-token-body.ts';
import {
  type PlaceAccessToken,
  type PlaceAccessTokenService,
  placeTokenScopes,
} from './place-access-tokens.ts';

/** Maintainer, as GitLab has it. */
const defaultLevel = 40;
const filter = pageParams.extend({ state: tokenState.optional() });
/** Null where the bot is no member any more. */
const level = { access_level: z.int().nullable() };
const tokenResponse = accessTokenResponse.extend(level).meta({ id: 'BotAccessToken' });
const newTokenResponse = newAccessTokenResponse.extend(level).meta({ id: 'NewBotAccessToken' });
const tokenPath = placeId.extend({ token_id: integer });

export function placeAccessTokenEndpoints(
  tokens: PlaceAccessTokenService,
  now: () => number,
): readonly Endpoint[] {
  const bodyOf = (token: PlaceAccessToken): AnswerOf<typeof tokenResponse> => ({
    ...accessTokenBody(token, now()),
    accessLevel: token.accessLevel,
  });
  return forEachPlace(({ kind, path, of }) => [
    endpoint({
      method: 'GET',
      path: `${path}/access_tokens`,
      summary: `The access tokens of a ${kind}, newest first`,
      pathParams: placeId,
      params: filter,
      status: 200,
      response: z.array(tokenResponse),
      handle: async (actor, { id, state, ...page }) => {
        const isActive = state && state === 'active';
        return pageBody(await tokens.list(actor, of(id), isActive, page), page, bodyOf);
      },
    }),
    endpoint({
      method: 'POST',
      path: `${path}/access_tokens`,
      summary: `Create an access token of a ${kind}`,
      pathParams: placeId,
      params: newAccessToken<(typeof placeTokenScopes)[typeof kind][number]>(placeTokenScopes[kind]).extend({
        access_level: accessLevel.default(defaultLevel),
      }),
      status: 201,
      response: newTokenResponse,
      handle: async (actor, { id, scopes, ...input }) => {
        const { record, token } = await tokens.create(actor, of(id), {
          ...input,
          scopes: [...new Set(scopes)],
        });
        return { ...bodyOf(record), token };
      },
    }),
    endpoint({
      method: 'GET',
      path: `${path}/access_tokens/:token_id`,
      summary: `An access token of a ${kind}`,
      pathParams: tokenPath,
      status: 200,
      response: tokenResponse,
      handle: async (actor, { id, tokenId }) => bodyOf(await tokens.get(actor, of(id), tokenId)),
    }),
    endpoint({
      method: 'POST',
      path: `${path}/access_tokens/:token_id/rotate`,
      summary: `Put another token in place of an access token of a ${kind}`,
      pathParams: tokenPath,
      params: rotation,
      status: 200,
      response: newTokenResponse,
      handle: async (actor, { id, tokenId, expiresAt }) => {
        const { record, token } = await tokens.rotate(actor, of(id), tokenId, expiresAt);
        return { ...bodyOf(record), token };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/access_tokens/:token_id`,
      summary: `Revoke an access token of a ${kind}`,
      pathParams: tokenPath,
      status: 204,
      handle: (actor, { id, tokenId }) => tokens.revoke(actor, of(id), tokenId),
    }),
  ]);
}
