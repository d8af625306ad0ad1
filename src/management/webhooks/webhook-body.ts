/** Endpoints of webhooks and what they were told, with GitLab's names where it has some. Secrets are never among it. */
import { z } from 'zod';
import type { WebhookDelivery } from '../../metadata/webhooks/webhook-deliveries.ts';
import type { Webhook } from '../../metadata/webhooks/webhooks.ts';
import { eventActions } from '../../oci/registry-event.ts';
import { formatInstant } from '../endpoint/dates.ts';
import { type BodyOf, instantText } from '../endpoint/response.ts';

export const deliveryState = z.enum(['pending', 'delivered', 'dead']);

const settings = {
  id: z.int(),
  name: z.string().nullable(),
  created_at: instantText,
  ignored_actions: z.array(z.enum(eventActions)),
  ignored_media_types: z.array(z.string()),
  alert_status: z.enum(['executable', 'disabled']),
};

export const hookResponse = z
  .object({
    ...settings,
    project_id: z.int(),
    url: z.url(),
    description: z.string().nullable(),
    disabled: z.boolean(),
    disabled_until: z.null(),
    enable_ssl_verification: z.literal(true),
    signed: z.boolean().meta({ description: 'Whether there is a token to sign deliveries with' }),
    custom_headers: z.array(z.object({ key: z.string() })),
    timeout_seconds: z.number().nullable(),
    backoff_seconds: z.number().nullable(),
    max_retries: z.int().nullable(),
  })
  .meta({ id: 'Hook' });

export const systemHookResponse = z.object(settings).meta({ id: 'SystemHook' });

export const hookEventResponse = z
  .object({
    id: z.int(),
    delivery_id: z.uuid(),
    trigger: z.enum(eventActions),
    url: z.string().nullable(),
    status: deliveryState,
    attempts: z.int(),
    created_at: instantText,
    finished_at: instantText.nullable(),
    last_attempt_at: instantText.nullable(),
    request_headers: z.record(z.string(), z.string()),
    request_data: z.record(z.string(), z.unknown()),
    response_status: z.int().nullable(),
    response_body: z.string().nullable(),
    execution_duration: z.number().nullable().meta({ description: 'Seconds' }),
    error: z.string().nullable(),
  })
  .meta({ id: 'HookEvent' });

export const resentResponse = z
  .object({ response_status: z.int().nullable(), error: z.string().nullable() })
  .meta({ id: 'ResentHookEvent' });

export function systemHookBody(webhook: Webhook): BodyOf<typeof systemHookResponse> {
  const { id, name, ignoredActions, ignoredMediaTypes, isDisabled } = webhook;
  return {
    id,
    name: name ?? null,
    created_at: formatInstant(webhook.createdAt),
    ignored_actions: ignoredActions,
    ignored_media_types: ignoredMediaTypes,
    alert_status: isDisabled ? 'disabled' : 'executable',
  };
}

/** @param webhook of a project */
export function hookBody(webhook: Webhook): BodyOf<typeof hookResponse> {
  const { projectId = 0, timeoutMs, backoffMs, maxRetries } = webhook;
  return {
    ...systemHookBody(webhook),
    project_id: projectId,
    url: webhook.url,
    description: webhook.description ?? null,
    disabled: webhook.isDisabled,
    disabled_until: null,
    enable_ssl_verification: true,
    signed: webhook.secretSealed !== undefined,
    custom_headers: webhook.headerNames.map((key) => ({ key })),
    timeout_seconds: timeoutMs === undefined ? null : timeoutMs / 1000,
    backoff_seconds: backoffMs === undefined ? null : backoffMs / 1000,
    max_retries: maxRetries ?? null,
  };
}

export function hookEventBody(
  { id, deliveryId, action, state, attempt, ...delivery }: WebhookDelivery,
  { url }: Webhook,
): BodyOf<typeof hookEventResponse> {
  return {
    id,
    delivery_id: deliveryId,
    trigger: action,
    url: url || null,
    status: state,
    attempts: delivery.attempts,
    created_at: formatInstant(delivery.createdAt),
    finished_at: formatInstant(delivery.finishedAt),
    last_attempt_at: formatInstant(attempt?.at),
    request_headers: { 'X-Entrepot-Event': action, 'X-Entrepot-Delivery': deliveryId },
    request_data: { events: [JSON.parse(delivery.event)] },
    response_status: attempt?.status ?? null,
    response_body: attempt?.body ?? null,
    execution_duration: attempt ? attempt.durationMs / 1000 : null,
    error: attempt?.error ?? null,
  };
}
