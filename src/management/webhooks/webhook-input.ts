/** What someone says about an endpoint, put together with what is known of it: the rules about its address and secrets. */
import type { NewWebhook, Webhook, WebhookChanges } from '../../metadata/webhooks/webhooks.ts';
import { isHeaderName, isHeaderValue } from '../../rules/webhook-headers.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { addressOf, type FindBlockedAddress } from '../registries/upstream-url.ts';
import type { WebhookCredentials, WebhookSecrets } from './webhook-secrets.ts';

/** What is undefined is not said. */
export interface WebhookInput {
  readonly url?: string | undefined;
  readonly ignoredActions?: Webhook['ignoredActions'] | undefined;
  readonly ignoredMediaTypes?: Webhook['ignoredMediaTypes'] | undefined;
  readonly timeoutMs?: number | undefined;
  readonly backoffMs?: number | undefined;
  readonly maxRetries?: number | undefined;
  readonly isDisabled?: boolean | undefined;
  /** An empty text, here and below, says that there is none. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** What deliveries are signed with. */
  readonly token?: string | undefined;
  /** All headers: others are dropped. */
  readonly headers?: readonly { readonly key: string; readonly value: string }[] | undefined;
}

/** What is recorded of a new one. @throws RefusedError invalid */
export function newWebhookOf(
  projectId: number,
  input: WebhookInput,
  secrets: WebhookSecrets,
  findBlockedAddress: FindBlockedAddress,
): NewWebhook {
  const { token, headers = [], name, description, timeoutMs, backoffMs, maxRetries } = input;
  const { ignoredActions = [], ignoredMediaTypes = [], isDisabled = false } = input;
  const url = parseWebhookUrl(input.url ?? '', findBlockedAddress);
  return {
    name: name || undefined,
    description: description || undefined,
    url,
    ignoredActions,
    ignoredMediaTypes,
    timeoutMs,
    backoffMs,
    maxRetries,
    isDisabled,
    ...secrets.seal({ projectId, url }, { secret: token || undefined, headers: parseHeaders(headers) }),
  };
}

/**
 * What a change records. Secrets are never kept for another URL, where they would be sent to someone who was not meant to have them.
 * @throws RefusedError invalid
 */
export function webhookChangesOf(
  known: Webhook,
  input: WebhookInput,
  secrets: WebhookSecrets,
  findBlockedAddress: FindBlockedAddress,
): WebhookChanges {
  const { token, headers, name, description, ignoredActions, ignoredMediaTypes } = input;
  const { timeoutMs, backoffMs, maxRetries, isDisabled } = input;
  const url = input.url === undefined ? known.url : parseWebhookUrl(input.url, findBlockedAddress);
  return {
    ignoredActions,
    ignoredMediaTypes,
    timeoutMs,
    backoffMs,
    maxRetries,
    isDisabled,
    name: name === '' ? null : name,
    description: description === '' ? null : description,
    url,
    ...resealed(known, url, { token, headers }, secrets),
  };
}

function resealed(
  known: Webhook,
  url: string,
  { token, headers }: Pick<WebhookInput, 'token' | 'headers'>,
  secrets: WebhookSecrets,
): Pick<WebhookChanges, 'secretSealed' | 'headersSealed' | 'headerNames'> {
  const isKept = known.url === url;
  if (isKept && token === undefined && headers === undefined) return {};
  const kept: WebhookCredentials =
    isKept && (token === undefined || headers === undefined)
      ? secrets.open(known)
      : { secret: undefined, headers: {} };
  const { secretSealed, headersSealed, headerNames } = secrets.seal(
    { projectId: known.projectId, url },
    {
      secret: token === undefined ? kept.secret : token || undefined,
      headers: headers === undefined ? kept.headers : parseHeaders(headers),
    },
  );
  return { secretSealed: secretSealed ?? null, headersSealed: headersSealed ?? null, headerNames };
}

function parseHeaders(headers: NonNullable<WebhookInput['headers']>): Readonly<Record<string, string>> {
  const fault = headers.some(({ key, value }) => !isHeaderName(key) || !isHeaderValue(value));
  if (fault) throw new RefusedError('invalid', { custom_headers: ['must be headers that may be given'] });
  const byName = new Map(headers.map(({ key, value }) => [key.toLowerCase(), { key, value }]));
  if (byName.size < headers.length)
    throw new RefusedError('invalid', { custom_headers: ['must have each header once'] });
  return Object.fromEntries(headers.map(({ key, value }) => [key, value]));
}

function parseWebhookUrl(text: string, findBlockedAddress: FindBlockedAddress): string {
  const url = URL.parse(text.trim());
  if (!url) throw fault('must be a valid URL');
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw fault('is blocked: Only allowed schemes are http, https');
  if (url.username || url.password)
    throw fault('must not have credentials: give them as a header (custom_headers)');
  const blocked = findBlockedAddress(addressOf(url.hostname), false);
  if (blocked !== undefined) throw fault(`is blocked: ${blocked}`);
  url.hash = '';
  return url.href;
}

function fault(text: string): RefusedError {
  return new RefusedError('invalid', { url: [text] });
}
