/** HTTP to one upstream, its redirects and its token service: time-outs, limits, guarded addresses, no content coding. */
import { type Agent, type Dispatcher, request } from 'undici';
import { Answer } from './answer.ts';
import { UpstreamError } from './errors.ts';
import { createAgent, type GuardedAgentOptions } from './guarded-agent.ts';
import { isClosedBeforeAnswer, toUpstreamError } from './network-error.ts';
import { type Hop, isRedirect, nextHop } from './redirect.ts';

const maxRedirects = 5;

export interface TransportOptions extends GuardedAgentOptions {
  /** Per origin; a quarter of them is kept for all but blobs, so that long transfers never hold up a manifest. */
  readonly maxConnections: number;
  readonly userAgent: string;
}

export interface TransportRequest extends Hop {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** Of a POST, which is sent once: what came of it is not known where no answer came. */
  readonly body?: string;
  /** True for blobs. */
  readonly isTransfer?: boolean;
  readonly redirects: 'follow' | 'refuse';
}

export class Transport {
  readonly #short: Agent;
  readonly #long: Agent;
  readonly #userAgent: string;

  constructor(options: TransportOptions) {
    const reserved = Math.max(1, Math.floor(options.maxConnections / 4));
    this.#short = createAgent(options, reserved);
    this.#long = createAgent(options, Math.max(1, options.maxConnections - reserved));
    this.#userAgent = options.userAgent;
  }

  /** The answer's headers after redirects, whatever their status. @throws UpstreamError or the signal's reason. */
  async request(asked: TransportRequest, signal?: AbortSignal): Promise<Answer> {
    let hop: Hop = asked;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#send(asked, hop, signal);
      if (!isRedirect(answer.status)) return plain(answer);
      answer.discard();
      if (asked.redirects === 'refuse')
        throw new UpstreamError('invalid', 'redirected where no redirect is accepted');
      if (redirects === maxRedirects)
        throw new UpstreamError('invalid', `redirected more than ${maxRedirects} times`);
      hop = nextHop(hop, answer.header('location'));
    }
  }

  /** Ends everything under way. */
  async close(): Promise<void> {
    await Promise.all([this.#short.destroy(), this.#long.destroy()]);
  }

  async #send(
    asked: TransportRequest,
    { url, headers }: Hop,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const options = {
      method: asked.method,
      body: asked.body ?? null,
      dispatcher: asked.isTransfer ? this.#long : this.#short,
      headers: { ...headers, 'user-agent': this.#userAgent, 'accept-encoding': 'identity' },
      signal: signal ?? null,
      // undici closes the connection after each HEAD unless told not to; that would cost a TLS handshake per revalidation.
      reset: false,
    } satisfies Parameters<typeof request>[1];
    const send = async (): Promise<Dispatcher.ResponseData> => request(url, options);
    try {
      const data = await send().catch((error: unknown) =>
        asked.method !== 'POST' && isClosedBeforeAnswer(error) ? send() : Promise.reject(error),
      );
      return new Answer(url, data, signal);
    } catch (error) {
      throw signal?.aborted ? signal.reason : toUpstreamError(error);
    }
  }
}

/** Clients must get the bytes that the digest is of. */
function plain(answer: Answer): Answer {
  const coding = answer.header('content-encoding');
  if (coding === undefined || coding === '' || coding.toLowerCase() === 'identity') return answer;
  answer.destroy();
  throw new UpstreamError('invalid', 'answered with a content coding that was not asked for');
}
