/** What someone says about an endpoint, put together with what is known of it: the rules about its address and secrets. */
import type { Webhook, WebhookSettings } from '../../metadata/webhooks/webhooks.ts';
import { isHeaderName, isHeaderValue } from '../../rules/webhook-headers.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { addressOf, type FindBlockedAddress } from '../registries/upstream-url.ts';
import type { WebhookCredentials, WebhookSecrets } from './webhook-secrets.ts';

/** What is undefined is not said. */
export interface WebhookInput {
  readonly url?: string | undefined;
  readonly ignoredActions?: WebhookSettings['ignoredActions'] | undefined;
  readonly ignoredMediaTypes?: WebhookSettings['ignoredMediaTypes'] | undefined;
  readonly timeoutMs?: number | undefined;
  readonly backoffMs?: number | undefined;
  readonly maxRetries?: number | undefined;
  readonly isDisabled?: boolean | undefined;
  /** An empty text, here and below: none. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** What deliveries are signed with. */
  readonly token?: string | undefined;
  /** All of them. */
  readonly headers?: readonly { readonly key: string; readonly value: string }[] | undefined;
}

const defaults: Omit<WebhookSettings, 'url'> = {
  name: undefined,
  description: undefined,
  secretSealed: undefined,
  headersSealed: undefined,
  headerNames: [],
  ignoredActions: [],
  ignoredMediaTypes: [],
  timeoutMs: undefined,
  backoffMs: undefined,
  maxRetries: undefined,
  isDisabled: false,
};

/**
 * What is recorded after a change. Secrets are never kept for another URL, where they would be sent to someone who was not meant to
 * have them.
 * @param known undefined for a new one
 * @throws RefusedError invalid
 */
export function settingsOf(
  projectId: number,
  known: Webhook | undefined,
  input: WebhookInput,
  secrets: WebhookSecrets,
  findBlockedAddress: FindBlockedAddress,
): WebhookSettings {
  const { token, headers, name, description, url: given, ...rest } = input;
  const before = known ?? defaults;
  const url = given === undefined && known ? known.url : parseWebhookUrl(given ?? '', findBlockedAddress);
  const changed = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return {
    ...before,
    ...changed,
    name: name === undefined ? before.name : name || undefined,
    description: description === undefined ? before.description : description || undefined,
    url,
    ...sealedOf({ projectId, url }, known, { token, headers }, secrets),
  };
}

function sealedOf(
  place: { readonly projectId: number; readonly url: string },
  known: Webhook | undefined,
  { token, headers }: Pick<WebhookInput, 'token' | 'headers'>,
  secrets: WebhookSecrets,
): ReturnType<WebhookSecrets['seal']> {
  const isKept = known?.url === place.url;
  if (known && isKept && token === undefined && headers === undefined) {
    const { secretSealed, headersSealed, headerNames } = known;
    return { secretSealed, headersSealed, headerNames };
  }
  const kept: WebhookCredentials =
    known && isKept && (token === undefined || headers === undefined)
      ? secrets.open(known)
      : { secret: undefined, headers: {} };
  return secrets.seal(place, {
    secret: token === undefined ? kept.secret : token || undefined,
    headers: headers === undefined ? kept.headers : parseHeaders(headers),
  });
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
