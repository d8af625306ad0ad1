/** Posts to addresses that people name: to allowed ones only, once, without following redirects, reading little of the answer. */
import type { Dispatcher } from 'undici';
import { Answer } from './answer.ts';
import { type Limit, withDeadline } from './deadline.ts';
import type { DialerOptions } from './dialer.ts';
import { GuardedAgent } from './guarded-agent.ts';
import { parseRetryAfter } from './retry-after.ts';
import { untilAnswered } from './until-answered.ts';

export interface PosterOptions extends Omit<DialerOptions, 'connectMs'> {
  readonly userAgent: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostAnswer {
  readonly status: number;
  /** Its beginning. */
  readonly body: string;
  readonly retryAfterMs: number | undefined;
}

const connectMs = 10_000;
const maxBodyBytes = 1024;
const maxBodyMs = 1000;

export class Poster {
  readonly #agent: GuardedAgent;
  readonly #userAgent: string;
  readonly #now: () => number;

  constructor({ userAgent, now, ...guarded }: PosterOptions) {
    // Each request has a time-out of its own for all of it: 0 is none besides.
    const limits = { connectMs, firstByteMs: 0, idleMs: 0 };
    // As many connections as are asked for: those of one endpoint that hangs must not be what others of its host wait for.
    this.#agent = new GuardedAgent({ ...guarded, ...limits });
    this.#userAgent = userAgent;
    this.#now = now;
  }

  /**
   * @param limit for all of it; an answer that has begun by then counts
   * @throws OutboundError that names the limit, BlockedAddressError, the signal's reason, or what the network says
   */
  post({ url, headers, body }: Post, limit: Limit, signal: AbortSignal): Promise<PostAnswer> {
    return withDeadline(limit, signal, async (heeded) => {
      const sent = this.#agent.request(url, {
        method: 'POST',
        headers: { ...headers, 'user-agent': this.#userAgent },
        body,
        signal: heeded,
      });
      const data = await untilAnswered(sent, heeded);
      const beginning = await readBeginning(data.body);
      const answer = new Answer(url, data, heeded);
      const retryAfterMs = parseRetryAfter(answer.header('retry-after'), this.#now());
      return { status: answer.status, body: beginning, retryAfterMs };
    });
  }

  /** Ends everything under way. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
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
  }
  return Buffer.concat(chunks).subarray(0, maxBodyBytes).toString('utf8');
}
