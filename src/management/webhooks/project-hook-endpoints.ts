/** https://docs.gitlab.com/api/project_webhooks/, of what happens in the project's registry; filters, headers and patience are ours. */
import { z } from 'zod';
import { eventActions } from '../../oci/registry-event.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import {
  integer,
  integerBetween,
  list,
  maxDescriptionLength,
  maxNameLength,
  projectId,
  text,
  truth,
} from '../endpoint/parameters.ts';
import type { CamelCased } from '../endpoint/wire.ts';
import { hookEventEndpoints } from './hook-event-endpoints.ts';
import { hookBody, hookResponse } from './webhook-body.ts';
import type { WebhookInput } from './webhook-input.ts';
import type { WebhookService } from './webhooks.ts';

const maxUrlLength = 2048;
const maxHeaders = 20;
const maxValueLength = 2048;
const maxSeconds = 60;

const hookPath = projectId.extend({ hook_id: integer });
const changes = z.object({
  name: text(maxNameLength).nullish(),
  description: text(maxDescriptionLength).nullish(),
  token: text(maxNameLength).nullish(),
  custom_headers: z
    .array(z.object({ key: text(maxNameLength), value: text(maxValueLength) }))
    .max(maxHeaders)
    .optional(),
  ignored_actions: list(z.enum(eventActions), eventActions.length).optional(),
  ignored_media_types: list(text(maxNameLength), 100).optional(),
  timeout_seconds: integerBetween(1, maxSeconds).optional(),
  backoff_seconds: integerBetween(1, 3600).optional(),
  max_retries: integerBetween(0, 100).optional(),
  disabled: truth.optional(),
  enable_ssl_verification: truth
    .refine((isVerified) => isVerified, 'must be true: certificates are always verified')
    .optional(),
});
const url = text(maxUrlLength);

export function projectHookEndpoints(webhooks: WebhookService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/projects/:id/hooks',
      summary: 'Who is told what happens in the registry of a project, oldest first; for Maintainers',
      pathParams: projectId,
      params: pageParams,
      response: z.array(hookResponse),
      status: 200,
      handle: async (actor, { id, ...page }) =>
        pageBody(await webhooks.list(actor, { project: id }, page), page, hookBody),
    }),
    endpoint({
      method: 'POST',
      path: '/projects/:id/hooks',
      summary: 'Tell an endpoint what happens in the registry of a project',
      pathParams: projectId,
      params: changes.extend({ url }),
      response: hookResponse,
      status: 201,
      handle: async (actor, { id, ...given }) => hookBody(await webhooks.create(actor, id, inputOf(given))),
    }),
    endpoint({
      method: 'GET',
      path: '/projects/:id/hooks/:hook_id',
      summary: 'An endpoint that is told what happens',
      pathParams: hookPath,
      response: hookResponse,
      status: 200,
      handle: async (actor, { id, hookId }) => hookBody(await webhooks.get(actor, { project: id }, hookId)),
    }),
    endpoint({
      method: 'PUT',
      path: '/projects/:id/hooks/:hook_id',
      summary:
        'Change an endpoint; at another URL, its token and headers are gone unless they are given again',
      pathParams: hookPath,
      params: changes.extend({ url: url.optional() }),
      response: hookResponse,
      status: 200,
      handle: async (actor, { id, hookId, ...given }) =>
        hookBody(await webhooks.update(actor, id, hookId, inputOf(given))),
    }),
    endpoint({
      method: 'DELETE',
      path: '/projects/:id/hooks/:hook_id',
      summary: 'Tell an endpoint nothing more',
      pathParams: hookPath,
      status: 204,
      handle: (actor, { id, hookId }) => webhooks.remove(actor, id, hookId),
    }),
    ...hookEventEndpoints(webhooks, '/projects/:id/hooks', projectId),
  ];
}

function inputOf({
  customHeaders: headers,
  timeoutSeconds,
  backoffSeconds,
  disabled: isDisabled,
  enableSslVerification: _isVerified,
  ...given
}: CamelCased<z.output<typeof changes>> & { readonly url?: string | undefined }): WebhookInput {
  const { name, description, token } = given;
  return {
    ...given,
    name: name === null ? '' : name,
    description: description === null ? '' : description,
    token: token === null ? '' : token,
    headers,
    timeoutMs: timeoutSeconds && timeoutSeconds * 1000,
    backoffMs: backoffSeconds && backoffSeconds * 1000,
    isDisabled,
  };
}
