/** https://docs.gitlab.com/api/deploy_tokens/ */
import { z } from 'zod';
import { instant, instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import {
  filled,
  integer,
  maxNameLength,
  orNone,
  placeId,
  textOrNone,
  truth,
} from '../endpoint/parameters.ts';
import { forEachPlace } from '../endpoint/place-paths.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import { secret, someScopes } from './access-token-body.ts';
import { type DeployToken, type DeployTokenService, deployTokenScopes } from './deploy-tokens.ts';

const filter = pageParams.extend({ active: truth.optional() });
const newToken = z.object({
  name: filled(maxNameLength),
  username: textOrNone(maxNameLength),
  scopes: someScopes(deployTokenScopes),
  expires_at: orNone(instant.nullable()),
});
const tokenResponse = z
  .object({
    id: z.int(),
    name: z.string(),
    username: z.string(),
    expires_at: instantText.nullable(),
    scopes: z.array(z.string()),
    revoked: z.boolean(),
    expired: z.boolean(),
  })
  .meta({ id: 'DeployToken' });
const newTokenResponse = tokenResponse.extend(secret).meta({ id: 'NewDeployToken' });
const tokenPath = placeId.extend({ token_id: integer });

export function deployTokenEndpoints(tokens: DeployTokenService, now: () => number): readonly Endpoint[] {
  const bodyOf = (token: DeployToken) => tokenBody(token, now());
  const ofPlaces = forEachPlace(({ kind, path, of }) => [
    endpoint({
      method: 'GET',
      path: `${path}/deploy_tokens`,
      summary: `The deploy tokens of a ${kind}, oldest first`,
      pathParams: placeId,
      params: filter,
      status: 200,
      response: z.array(tokenResponse),
      handle: async (actor, { id, active, ...page }) =>
        pageBody(await tokens.list(actor, of(id), active, page), page, bodyOf),
    }),
    endpoint({
      method: 'POST',
      path: `${path}/deploy_tokens`,
      summary: `Create a deploy token of a ${kind}`,
      pathParams: placeId,
      params: newToken,
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
      path: `${path}/deploy_tokens/:token_id`,
      summary: `A deploy token of a ${kind}`,
      pathParams: tokenPath,
      status: 200,
      response: tokenResponse,
      handle: async (actor, { id, tokenId }) => bodyOf(await tokens.get(actor, of(id), tokenId)),
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/deploy_tokens/:token_id`,
      summary: `Revoke a deploy token of a ${kind}`,
      pathParams: tokenPath,
      status: 204,
      handle: (actor, { id, tokenId }) => tokens.revoke(actor, of(id), tokenId),
    }),
  ]);
  const ofAll = endpoint({
    method: 'GET',
    path: '/deploy_tokens',
    summary: 'The deploy tokens of all groups and projects, oldest first; for administrators',
    params: filter,
    status: 200,
    response: z.array(tokenResponse),
    handle: async (actor, { active, ...page }) =>
      pageBody(await tokens.listAll(actor, active, page), page, bodyOf),
  });
  return [ofAll, ...ofPlaces];
}

function tokenBody(token: DeployToken, now: number): AnswerOf<typeof tokenResponse> {
  const { expiresAt, revokedAt } = token;
  const expired = expiresAt !== undefined && expiresAt <= now;
  return { ...token, revoked: revokedAt !== undefined, expired };
}
