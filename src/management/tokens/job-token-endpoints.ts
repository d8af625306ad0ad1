/** Ours: what GitLab gives to its own jobs, for CI systems that have a token of the API but no ID tokens. */
import { z } from 'zod';
import { accessLevel } from '../endpoint/access-level.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { idOf } from '../endpoint/named-ids.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { filled, integer, integerBetween, maxNameLength, projectId } from '../endpoint/parameters.ts';
import { secret } from './access-token-body.ts';
import { type JobTokenService, maxJobTokenSeconds } from './job-tokens.ts';

const newToken = z.object({
  name: filled(maxNameLength),
  user_id: idOf('user').optional(),
  expires_in: integerBetween(1, maxJobTokenSeconds).optional(),
  access_level: accessLevel.optional(),
});
const tokenResponse = z
  .object({
    id: z.int(),
    project_id: z.int(),
    user_id: z.int().nullable(),
    name: z.string(),
    access_level: z.int(),
    created_at: instantText,
    expires_at: instantText,
  })
  .meta({ id: 'JobToken' });
const newTokenResponse = tokenResponse.extend(secret).meta({ id: 'NewJobToken' });
const tokenPath = projectId.extend({ token_id: integer });

export function jobTokenEndpoints(tokens: JobTokenService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/projects/:id/job_tokens',
      summary: 'The job tokens of a project that still work, newest first',
      pathParams: projectId,
      params: pageParams,
      status: 200,
      response: z.array(tokenResponse),
      handle: async (actor, { id, ...page }) => pageBody(await tokens.list(actor, id, page), page),
    }),
    endpoint({
      method: 'POST',
      path: '/projects/:id/job_tokens',
      summary: 'Create a job token',
      pathParams: projectId,
      params: newToken,
      status: 201,
      response: newTokenResponse,
      handle: async (actor, { id, expiresIn: expiresInSeconds, ...input }) => {
        const { record, token } = await tokens.create(actor, id, { ...input, expiresInSeconds });
        return { ...record, token };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/projects/:id/job_tokens/:token_id',
      summary: 'Revoke a job token',
      pathParams: tokenPath,
      status: 204,
      handle: (actor, { id, tokenId }) => tokens.revoke(actor, id, tokenId),
    }),
  ];
}
