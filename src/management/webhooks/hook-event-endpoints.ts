/** What endpoints of webhooks were told, and sending it again: of a project's, and of those that the configuration names. */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { integer, type projectId } from '../endpoint/parameters.ts';
import {
  deliveryState,
  hookEventBody,
  hookEventResponse,
  resentResponse,
  systemHookBody,
  systemHookResponse,
} from './webhook-body.ts';
import type { WebhookOwner, WebhookService } from './webhooks.ts';

const filter = pageParams.extend({ status: deliveryState.optional() });

/** @param path where the endpoints are. @param owner says whose: of a project, or with nothing in it those of the configuration */
export function hookEventEndpoints(
  webhooks: WebhookService,
  path: string,
  owner: z.ZodObject<{ id?: typeof projectId.shape.id }>,
): readonly Endpoint[] {
  const hookPath = owner.extend({ hook_id: integer });
  const ownerOf = (project: unknown): WebhookOwner =>
    typeof project === 'string' ? { project } : 'configuration';
  return [
    endpoint({
      method: 'GET',
      path: `${path}/:hook_id/events`,
      summary: 'What an endpoint was told, what it is still to be told, and what was given up, newest first',
      pathParams: hookPath,
      params: filter,
      response: z.array(hookEventResponse),
      status: 200,
      handle: async (actor, { id, hookId, status: state, ...page }) => {
        const found = await webhooks.listDeliveries(actor, ownerOf(id), hookId, { state }, page);
        return pageBody(found, page, (delivery) => hookEventBody(delivery, found.webhook));
      },
    }),
    endpoint({
      method: 'POST',
      path: `${path}/:hook_id/events/:hook_event_id/resend`,
      summary: 'Send an event again that was delivered or given up, and wait for the answer',
      pathParams: hookPath.extend({ hook_event_id: integer }),
      response: resentResponse,
      status: 201,
      handle: async (actor, { id, hookId, hookEventId }) => {
        const { status, error } = await webhooks.resend(actor, ownerOf(id), hookId, hookEventId);
        return { responseStatus: status, error };
      },
    }),
  ];
}

/** System hooks as GitLab has them, but that they are changed in the configuration. */
export function systemHookEndpoints(webhooks: WebhookService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/hooks',
      summary: 'The endpoints that the configuration names; for administrators',
      params: pageParams,
      response: z.array(systemHookResponse),
      status: 200,
      handle: async (actor, page) =>
        pageBody(await webhooks.list(actor, 'configuration', page), page, systemHookBody),
    }),
    endpoint({
      method: 'GET',
      path: '/hooks/:hook_id',
      summary: 'An endpoint that the configuration names; for administrators',
      pathParams: z.object({ hook_id: integer }),
      response: systemHookResponse,
      status: 200,
      handle: async (actor, { hookId }) => systemHookBody(await webhooks.get(actor, 'configuration', hookId)),
    }),
    ...hookEventEndpoints(webhooks, '/hooks', z.object({})),
  ];
}
