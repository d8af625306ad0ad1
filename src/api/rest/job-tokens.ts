/** Ours: what GitLab gives to its own jobs, for CI systems that have a token of the API but no ID tokens. */
import { z } from 'zod';
import { isAccessLevel } from '../../auth/access.ts';
import { type JobToken, type JobTokenService, maxJobTokenSeconds } from '../../management/job-tokens.ts';
import { formatInstant } from './dates.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { PagedBody, pageOf, pageParams } from './pagination.ts';
import { filled, integer, integerBetween, maxNameLength, projectId } from './parameters.ts';

const newToken = z.object({
  name: filled(maxNameLength),
  user_id: integer.optional(),
  expires_in: integerBetween(1, maxJobTokenSeconds).optional(),
  access_level: integer.refine(isAccessLevel, 'does not have a valid value').optional(),
});
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

function tokenBody({ id, projectId, userId, name, accessLevel, createdAt, expiresAt }: JobToken) {
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
