/** Tells endpoints that people name what happened, and judges how they took it. */
import { BlockedAddressError, findBlockedLiteral } from '../outbound/address-guard.ts';
import { toOutboundError } from '../outbound/network-error.ts';
import { type Post, type PostAnswer, Poster, type PosterOptions } from '../outbound/poster.ts';
import type { Reply } from './delivery.ts';

const downStatuses = new Set([429, 502, 503, 504]);

export class WebhookSender {
  readonly #poster: Poster;

  constructor(options: PosterOptions) {
    this.#poster = new Poster(options);
  }

  /**
   * Once. Never throws.
   * @param timeoutMs for all of it; an answer that has begun by then counts
   */
  async send(post: Post, timeoutMs: number, signal: AbortSignal): Promise<Reply> {
    try {
      const limit = { ms: timeoutMs, setting: 'timeout_seconds' };
      return judge(await this.#poster.post(post, limit, signal));
    } catch (error) {
      return {
        status: undefined,
        body: undefined,
        error: describe(error),
        isDown: true,
        retryAfterMs: undefined,
      };
    }
  }

  /** Ends everything under way. */
  async close(): Promise<void> {
    await this.#poster.close();
  }
}

function judge({ status, body, retryAfterMs }: PostAnswer): Reply {
  if (status >= 200 && status < 300)
    return { status, body, error: undefined, isDown: false, retryAfterMs: undefined };
  const isRedirect = status >= 300 && status < 400;
  const error = isRedirect ? `answered ${status}: redirects are not followed` : `answered ${status}`;
  return { status, body, error, isDown: downStatuses.has(status), retryAfterMs };
}

function describe(error: unknown): string {
  return error instanceof BlockedAddressError
    ? `is at an ${describeBlocked(error)}`
    : toOutboundError(error, {}).message;
}

/** Why a host that is an address may not be posted to; undefined where it may, and for a name. */
export function findBlockedWebhook(host: string, allowedNetworks: readonly string[]): string | undefined {
  const blocked = findBlockedLiteral(host, allowedNetworks);
  return blocked && describeBlocked(blocked);
}

function describeBlocked({ address }: BlockedAddressError): string {
  return `address ${address} that is not public; allow it with webhooks.allowed_networks`;
}
