/** Posts events to endpoints that people name: to allowed addresses only, without following redirects, reading little of the answer. */
import type { IncomingHttpHeaders } from 'node:http';
import { type Agent, type Dispatcher, request } from 'undici';
import { BlockedAddressError, findBlockedLiteral } from '../outbound/address-guard.ts';
import { withDeadline } from '../outbound/deadline.ts';
import { createAgent, type GuardedAgentOptions } from '../outbound/guarded-agent.ts';
import { toOutboundError } from '../outbound/network-error.ts';
import { parseRetryAfter } from '../outbound/retry-after.ts';
import { untilAnswered } from '../outbound/until-answered.ts';

export interface WebhookSenderOptions extends Pick<GuardedAgentOptions, 'allowedNetworks' | 'resolve'> {
  readonly userAgent: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How it was taken. */
export interface PostReply {
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
  /** The beginning of the answer. */
  readonly body: string | undefined;
  /** Why it counts as not taken, without secrets; undefined: a status of 2xx. */
  readonly error: string | undefined;
  /** Whether another request would likely fail, too. */
  readonly isDown: boolean;
  readonly retryAfterMs: number | undefined;
}

const connectMs = 10_000;
const maxBodyBytes = 1024;
const maxBodyMs = 1000;
const downStatuses = new Set([429, 502, 503, 504]);

export class WebhookSender {
  readonly #agent: Agent;
  readonly #userAgent: string;
  readonly #now: () => number;

  constructor({ userAgent, now, ...guarded }: WebhookSenderOptions) {
    // Each request has a time-out of its own for all of it: 0 is none besides.
    const limits = { connectMs, firstByteMs: 0, idleMs: 0 };
    // As many connections as are asked for: those of one endpoint that hangs must not be what others of its host wait for.
    this.#agent = createAgent({ ...guarded, ...limits });
    this.#userAgent = userAgent;
    this.#now = now;
  }

  /**
   * Once. Never throws.
   * @param timeoutMs for all of it; an answer that has begun by then counts
   */
  async send(post: Post, timeoutMs: number, signal: AbortSignal): Promise<PostReply> {
    try {
      const limit = { ms: timeoutMs, setting: 'timeout_seconds' };
      return await withDeadline(limit, signal, (heeded) => this.#send(post, heeded));
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

  async #send({ url, headers, body }: Post, signal: AbortSignal): Promise<PostReply> {
    const sent = request(url, {
      method: 'POST',
      headers: { ...headers, 'user-agent': this.#userAgent },
      body,
      dispatcher: this.#agent,
      signal,
    });
    const answer = await untilAnswered(sent, signal);
    const beginning = await readBeginning(answer.body);
    const judged = judge(answer.statusCode, answer.headers, this.#now());
    return { status: answer.statusCode, body: beginning, ...judged };
  }

  /** Ends everything under way. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function judge(
  status: number,
  headers: IncomingHttpHeaders,
  now: number,
): Pick<PostReply, 'error' | 'isDown' | 'retryAfterMs'> {
  if (status >= 200 && status < 300) return { error: undefined, isDown: false, retryAfterMs: undefined };
  const isRedirect = status >= 300 && status < 400;
  return {
    error: isRedirect ? `answered ${status}: redirects are not followed` : `answered ${status}`,
    isDown: downStatuses.has(status),
    retryAfterMs: parseRetryAfter(headers['retry-after'], now),
  };
}

/** What comes late or breaks off is not waited for: the status has been said, and there is more to tell. */
async function readBeginning(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const timer = setTimeout(() => body.destroy(), maxBodyMs);
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= maxBodyBytes) break;
    }
  } catch {
    // As above.
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
  return Buffer.concat(chunks).subarray(0, maxBodyBytes).toString('utf8');
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
