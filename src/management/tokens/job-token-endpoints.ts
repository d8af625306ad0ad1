/** Ours: what GitLab gives to its own jobs, for CI systems that have a token of the API but no ID tokens. */
import { z } from 'zod';
import { accessLevel } from '../endpoint/access-level.ts';
import { formatInstant } from '../endpoint/dates.ts';
import { type Endpoint, wireEndpoint as endpoint } from '../endpoint/endpoint.ts';
import { PagedBody, pageOf, pageParams } from '../endpoint/pagination.ts';
import { filled, integer, integerBetween, maxNameLength, projectId } from '../endpoint/parameters.ts';
import { type BodyOf, instantText } from '../endpoint/response.ts';
import { type JobToken, type JobTokenService, maxJobTokenSeconds } from './job-tokens.ts';

const newToken = z.object({
  name: filled(maxNameLength),
  user_id: integer.optional(),
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
const newTokenResponse = tokenResponse
  .extend({ token: z.string().meta({ description: 'The secret, which is shown once' }) })
  .meta({ id: 'NewJobToken' });
const tokenId = projectId.extend({ token_id: integer });

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
      handle: async (actor, { id, ...page }) => {
        const { records, total } = await tokens.list(actor, id, pageOf(page));
        return new PagedBody(records.map(tokenBody), total, page);
      },
    }),
    endpoint({
      method: 'POST',
      path: '/projects/:id/job_tokens',
      summary: 'Create a job token',
      pathParams: projectId,
      params: newToken,
      status: 201,
      response: newTokenResponse,
      handle: async (actor, { id, name, user_id: userId, expires_in, access_level: accessLevel }) => {
        const input = { name, userId, expiresInSeconds: expires_in, accessLevel };
        const { record, token } = await tokens.create(actor, id, input);
        return { ...tokenBody(record), token };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/projects/:id/job_tokens/:token_id',
      summary: 'Revoke a job token',
      pathParams: tokenId,
      status: 204,
      handle: (actor, { id, token_id }) => tokens.revoke(actor, id, token_id),
    }),
  ];
}

function tokenBody({
  id,
  projectId,
  userId,
  name,
  accessLevel,
  createdAt,
  expiresAt,
}: JobToken): BodyOf<typeof tokenResponse> {
  return {
    id,
    project_id: projectId,
    user_id: userId ?? null,
    name,
    access_level: accessLevel,
    created_at: formatInstant(createdAt),
    expires_at: formatInstant(expiresAt),
  };
}
