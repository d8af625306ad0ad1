/** HTTP to other servers and to where they redirect: time-outs, limits, guarded addresses; no content coding is asked for. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { Answer } from './answer.ts';
import { ConnectionQueue } from './connection-queue.ts';
import { withDeadline } from './deadline.ts';
import { GuardedAgent, type GuardedAgentOptions, type GuardedRequest } from './guarded-agent.ts';
import { isClosedBeforeAnswer, toOutboundError } from './network-error.ts';
import { OutboundError } from './outbound-error.ts';
import { followRedirects, type Hop, isRedirect } from './redirect.ts';
import { untilAnswered } from './until-answered.ts';

/** Of 1xx before the answer: nobody needs more than a few, and each costs as much as an answer. */
const maxInterimAnswers = 100;

export interface TransportOptions extends GuardedAgentOptions {
  /** Per origin; a quarter of them is kept for all but blobs, so that long transfers never hold up a manifest. */
  readonly maxConnections: number;
  /** How long a request waits for one of them, unless its signal ends it before. */
  readonly queueMs: number;
  /** From when a transfer has its connection to the end of its answer's head. */
  readonly answerMs: number;
  readonly userAgent: string;
  /** What tells other servers of the trace that a request belongs to. */
  readonly traceHeaders?: (() => Readonly<Record<string, string>>) | undefined;
  /** What one origin alone is sent besides, by names in lower case, and no more once it has redirected elsewhere. */
  readonly originHeaders?: OriginHeaders | undefined;
}

export interface OriginHeaders {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TransportRequest extends Hop {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** A POST is sent once: what came of it is not known where no answer came. A stream is opened for each time that it is sent. */
  readonly body?: string | Buffer | (() => Readable);
  /** True for blobs. What is none has a deadline for all of it, by its signal. */
  readonly isTransfer?: boolean;
  /** Whose turn it is, where there are more requests than connections. */
  readonly repository?: string;
  /** `give` gives the redirect itself. */
  readonly redirects: 'follow' | 'refuse' | 'give';
}

/** Connections of one kind, as many to each origin. */
interface Lane {
  readonly agent: GuardedAgent;
  readonly connections: number;
  readonly queues: Map<string, ConnectionQueue>;
}

export class Transport {
  readonly #short: Lane;
  readonly #long: Lane;
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    const reserved = Math.max(1, Math.floor(options.maxConnections / 4));
    this.#short = createLane(options, reserved);
    this.#long = createLane(options, Math.max(1, options.maxConnections - reserved));
    this.#options = options;
  }

  /** The answer's headers, after redirects where they are followed, whatever their status. @throws OutboundError or the signal's reason. */
  async request(asked: TransportRequest, signal?: AbortSignal): Promise<Answer> {
    const { originHeaders } = this.#options;
    const send = (hop: Hop) => {
      const isThere = !hop.isAway && hop.url.origin === originHeaders?.origin;
      const headers = isThere ? { ...originHeaders?.headers, ...hop.headers } : hop.headers;
      return this.#send(asked, { ...hop, headers }, signal);
    };
    if (asked.redirects === 'follow') return followRedirects(asked, send);
    const answer = await send(asked);
    if (asked.redirects === 'give' || !isRedirect(answer.status)) return answer;
    answer.discard();
    throw new OutboundError('invalid', 'redirected where no redirect is accepted');
  }

  /** Ends everything under way. */
  async close(): Promise<void> {
    await Promise.all([this.#short.agent.destroy(), this.#long.agent.destroy()]);
  }

  async #send(asked: TransportRequest, hop: Hop, signal: AbortSignal | undefined): Promise<Answer> {
    const { agent, queues, connections } = asked.isTransfer ? this.#long : this.#short;
    const { queueMs, answerMs } = this.#options;
    const { origin } = hop.url;
    const queue =
      queues.get(origin) ??
      new ConnectionQueue({
        max: connections,
        hasProbes: !asked.isTransfer,
        limit: { ms: queueMs, setting: 'upstreams.queue_seconds' },
      });
    queues.set(origin, queue);
    const forget = () => {
      if (queue.isIdle) queues.delete(origin);
    };
    const asker = { repository: asked.repository, isProbe: asked.method === 'HEAD' };
    const release = await queue.take(asker, signal).finally(forget);
    const free = () => {
      release();
      forget();
    };
    const ask = (heeded: AbortSignal | undefined) => this.#ask(agent, asked, hop, free, heeded);
    // How long a stream takes to send is the sender's matter: only standing still ends it.
    if (!asked.isTransfer || typeof asked.body === 'function') return ask(signal);
    return withDeadline({ ms: answerMs, setting: 'upstreams.answer_seconds' }, signal, ask);
  }

  /** @param free to be called once the connection can be used again, which may be after the signal */
  async #ask(
    agent: GuardedAgent,
    { method, body }: TransportRequest,
    { url, headers }: Hop,
    free: () => void,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    let interimAnswers = 0;
    const options = {
      method,
      headers: {
        'user-agent': this.#options.userAgent,
        ...this.#options.traceHeaders?.(),
        ...headers,
        'accept-encoding': 'identity',
      },
      signal: signal ?? null,
      // undici closes the connection after each HEAD unless told not to; that would cost a TLS handshake per revalidation.
      reset: false,
      onInfo: () => {
        interimAnswers += 1;
        if (interimAnswers > maxInterimAnswers)
          throw new OutboundError('invalid', `sent more than ${maxInterimAnswers} answers that are none yet`);
      },
    } satisfies GuardedRequest;
    const send = async (): Promise<Dispatcher.ResponseData> =>
      agent.request(url, { ...options, body: (typeof body === 'function' ? body() : body) ?? null });
    const sent = send().catch((error: unknown) =>
      method !== 'POST' && isClosedBeforeAnswer(error) ? send() : Promise.reject(error),
    );
    sent.then(({ body }) => body.on('close', free), free);
    try {
      return new Answer(url, await untilAnswered(sent, signal), signal);
    } catch (error) {
      throw signal?.aborted ? signal.reason : toOutboundError(error);
    }
  }
}

function createLane(options: TransportOptions, connections: number): Lane {
  return { agent: new GuardedAgent(options, connections), connections, queues: new Map() };
}
