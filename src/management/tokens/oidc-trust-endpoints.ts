/** Ours; GitLab has nothing like it. docs/ci.md says what it is for. */
import { z } from 'zod';
import { accessLevels } from '../../auth/rights/access-levels.ts';
import { accessLevel } from '../endpoint/access-level.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { filled, integer, maxNameLength, projectId, textOrNone } from '../endpoint/parameters.ts';
import type { OidcTrustService } from './oidc-trusts.ts';

const newTrust = z.object({
  name: filled(maxNameLength),
  issuer: filled(maxNameLength),
  audience: filled(maxNameLength),
  jwks_url: textOrNone(maxNameLength),
  claims: z.record(filled(maxNameLength), filled(maxNameLength)),
  access_level: accessLevel.default(accessLevels.developer),
});
const trustResponse = z
  .object({
    id: z.int(),
    project_id: z.int(),
    name: z.string(),
    issuer: z.string(),
    audience: z.string(),
    jwks_url: z.string().nullable(),
    claims: z.record(z.string(), z.string()),
    access_level: z.int(),
    created_at: instantText,
  })
  .meta({ id: 'CiTrust' });
const trustPath = projectId.extend({ trust_id: integer });

export function oidcTrustEndpoints(trusts: OidcTrustService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/projects/:id/ci_trusts',
      summary: 'Whose CI jobs are jobs of a project, oldest first',
      pathParams: projectId,
      params: pageParams,
      status: 200,
      response: z.array(trustResponse),
      handle: async (actor, { id, ...page }) => pageBody(await trusts.list(actor, id, page), page),
    }),
    endpoint({
      method: 'POST',
      path: '/projects/:id/ci_trusts',
      summary: 'Trust the ID tokens of a CI system or cluster',
      pathParams: projectId,
      params: newTrust,
      status: 201,
      response: trustResponse,
      handle: (actor, { id, ...input }) => trusts.create(actor, id, input),
    }),
    endpoint({
      method: 'DELETE',
      path: '/projects/:id/ci_trusts/:trust_id',
      summary: 'Trust them no longer',
      pathParams: trustPath,
      status: 204,
      handle: (actor, { id, trustId }) => trusts.remove(actor, id, trustId),
    }),
  ];
}
