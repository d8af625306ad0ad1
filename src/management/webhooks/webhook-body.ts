/** Endpoints of webhooks and what they were told, with GitLab's names where it has some. Secrets are never among it. */
import { z } from 'zod';
import type { WebhookDelivery } from '../../metadata/webhooks/webhook-deliveries.ts';
import type { Webhook } from '../../metadata/webhooks/webhooks.ts';
import { eventActions } from '../../oci/registry-event.ts';
import { instantText } from '../endpoint/dates.ts';
import type { AnswerOf } from '../endpoint/wire.ts';

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

export function systemHookBody(webhook: Webhook): Webhook & AnswerOf<typeof systemHookResponse> {
  return { ...webhook, alertStatus: webhook.isDisabled ? 'disabled' : 'executable' };
}

/** @param webhook of a project */
export function hookBody(webhook: Webhook): AnswerOf<typeof hookResponse> {
  const { projectId = 0, timeoutMs, backoffMs } = webhook;
  return {
    ...systemHookBody(webhook),
    projectId,
    disabled: webhook.isDisabled,
    enableSslVerification: true,
    signed: webhook.secretSealed !== undefined,
    customHeaders: webhook.headerNames.map((key) => ({ key })),
    timeoutSeconds: timeoutMs && timeoutMs / 1000,
    backoffSeconds: backoffMs && backoffMs / 1000,
  };
}

export function hookEventBody(
  delivery: WebhookDelivery,
  { url }: Webhook,
): AnswerOf<typeof hookEventResponse> {
  const { deliveryId, action, attemptedAt, durationMs } = delivery;
  return {
    ...delivery,
    trigger: action,
    url: url || null,
    status: delivery.state,
    lastAttemptAt: attemptedAt,
    requestHeaders: { 'X-Entrepot-Event': action, 'X-Entrepot-Delivery': deliveryId },
    requestData: { events: [JSON.parse(delivery.event)] },
    executionDuration: durationMs === undefined ? undefined : durationMs / 1000,
  };
}
