/** What endpoints of webhooks were told, and sending it again: of a project's, and of those that the configuration names. */
import { z } from 'zod';
import { type Endpoint, wireEndpoint as endpoint } from '../endpoint/endpoint.ts';
import { PagedBody, pageOf, pageParams } from '../endpoint/pagination.ts';
import { integer } from '../endpoint/parameters.ts';
import {
  deliveryState,
  hookEventBody,
  hookEventResponse,
  resentResponse,
  systemHookBody,
  systemHookResponse,
} from './webhook-body.ts';
import type { WebhookPlace, WebhookService } from './webhooks.ts';

interface HookPath<P extends z.ZodObject> {
  readonly path: string;
  readonly pathParams: P;
  placeOf(params: z.output<P>): WebhookPlace;
}

const filter = pageParams.extend({ status: deliveryState.optional() });

/** @param place where the endpoints are */
export function hookEventEndpoints<P extends z.ZodObject>(
  webhooks: WebhookService,
  { path, pathParams, placeOf }: HookPath<P>,
): readonly Endpoint[] {
  const hookId = z.object({ hook_id: integer });
  const eventId = hookId.extend({ hook_event_id: integer });
  return [
    endpoint({
      method: 'GET',
      path: `${path}/:hook_id/events`,
      summary: 'What an endpoint was told, what it is still to be told, and what was given up, newest first',
      pathParams: pathParams.extend(hookId.shape),
      params: filter,
      response: z.array(hookEventResponse),
      status: 200,
      handle: async (actor, given) => {
        const { hook_id } = hookId.parse(given);
        const { status: state, ...page } = filter.parse(given);
        const place = placeOf(pathParams.parse(given));
        const found = await webhooks.listDeliveries(actor, place, hook_id, { state }, pageOf(page));
        const bodies = found.records.map((delivery) => hookEventBody(delivery, found.webhook));
        return new PagedBody(bodies, found.total, page);
      },
    }),
    endpoint({
      method: 'POST',
      path: `${path}/:hook_id/events/:hook_event_id/resend`,
      summary: 'Send an event again that was delivered or given up, and wait for the answer',
      pathParams: pathParams.extend(eventId.shape),
      response: resentResponse,
      status: 201,
      handle: async (actor, given) => {
        const { hook_id, hook_event_id } = eventId.parse(given);
        const place = placeOf(pathParams.parse(given));
        const { status, error } = await webhooks.resend(actor, place, hook_id, hook_event_id);
        return { response_status: status ?? null, error: error ?? null };
      },
    }),
  ];
}

/** As GitLab has system hooks, but for changing them: that is done in the configuration. */
export function systemHookEndpoints(webhooks: WebhookService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/hooks',
      summary: 'The endpoints that the configuration names; for administrators',
      params: pageParams,
      response: z.array(systemHookResponse),
      status: 200,
      handle: async (actor, page) => {
        const { records, total } = await webhooks.list(actor, 'configuration', pageOf(page));
        return new PagedBody(records.map(systemHookBody), total, page);
      },
    }),
    endpoint({
      method: 'GET',
      path: '/hooks/:hook_id',
      summary: 'An endpoint that the configuration names; for administrators',
      pathParams: z.object({ hook_id: integer }),
      response: systemHookResponse,
      status: 200,
      handle: async (actor, { hook_id }) =>
        systemHookBody(await webhooks.get(actor, 'configuration', hook_id)),
    }),
    ...hookEventEndpoints(webhooks, {
      path: '/hooks',
      pathParams: z.object({}),
      placeOf: () => 'configuration',
    }),
  ];
}
