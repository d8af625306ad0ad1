/** Asks other processes. Who does not begin to answer within a short time is not waited for. */
import { OutboundError } from '../outbound/outbound-error.ts';
import { Transport } from '../outbound/transport.ts';
import { type ClusterSecret, nonceHeader, signatureHeader } from './cluster-secret.ts';
import { type Frame, FrameError, readFrames } from './frames.ts';
import type { Peer } from './peers.ts';

export interface PeerClientOptions {
  readonly secret: ClusterSecret;
  /** How long a process may take to begin to answer, whatever it is asked. */
  readonly reachMs: number;
  readonly userAgent: string;
  /** What tells the process of the trace that a question belongs to; undefined: nothing. */
  readonly traceHeaders?: (() => Readonly<Record<string, string>>) | undefined;
  /** How long one may be silent that has begun to. */
  readonly silenceMs?: number;
}

export interface PeerAnswer {
  readonly frames: AsyncGenerator<Frame, void, undefined>;
  close(): void;
}

/** Several times what passes between beats. */
const defaultSilenceMs = 5000;
/** To one process: as many as it has clients that wait for different things. */
const maxConnections = 10_000;
const everywhere = ['0.0.0.0/0', '::/0'];

export class PeerClient {
  readonly #secret: ClusterSecret;
  readonly #transport: Transport;

  constructor({ secret, reachMs, userAgent, traceHeaders, silenceMs = defaultSilenceMs }: PeerClientOptions) {
    this.#secret = secret;
    this.#transport = new Transport({
      userAgent,
      traceHeaders,
      connectMs: reachMs,
      queueMs: reachMs,
      answerMs: reachMs,
      firstByteMs: reachMs,
      idleMs: silenceMs,
      maxConnections,
      // Addresses are from records that processes write themselves.
      allowedNetworks: everywhere,
    });
  }

  /**
   * @param path with its query
   * @throws OutboundError 'not-found' where the process knows nothing of it, 'unavailable' where it cannot be asked; or the signal's reason
   */
  async ask(peer: Peer, path: string, signal?: AbortSignal): Promise<PeerAnswer> {
    const nonce = this.#secret.createNonce();
    const request = { to: peer.id, method: 'GET', path, nonce } as const;
    const answer = await this.#transport.request(
      {
        method: request.method,
        url: new URL(path, `http://${peer.address}`),
        headers: { authorization: this.#secret.authorizationOf(request), [nonceHeader]: nonce },
        isTransfer: true,
        // Those who ask do not wait for each other.
        repository: nonce,
        redirects: 'refuse',
      },
      signal,
    );
    const close = () => answer.destroy();
    const { status } = answer;
    if (status === 200 && this.#secret.isAnswer(request, answer.header(signatureHeader))) {
      const translate = (error: unknown) =>
        answer.translate(
          error instanceof FrameError ? new OutboundError('unavailable', error.message) : error,
        );
      return { frames: translated(readFrames(answer.chunks()), translate), close };
    }
    close();
    if (status === 404) throw new OutboundError('not-found', 'knows nothing of it', { status });
    const reason = status === 200 ? 'is no process of this installation' : `refused to answer (${status})`;
    throw new OutboundError('unavailable', reason, { status });
  }

  /** Ends everything under way. */
  close(): Promise<void> {
    return this.#transport.close();
  }
}

async function* translated(
  frames: AsyncIterable<Frame>,
  translate: (error: unknown) => unknown,
): AsyncGenerator<Frame, void, undefined> {
  try {
    yield* frames;
  } catch (error) {
    throw translate(error);
  }
}
