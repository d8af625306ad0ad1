/** Requests to one registry, with whatever authorization it asks for. */
import type { Answer } from '../outbound/answer.ts';
import type { Transport } from '../outbound/transport.ts';
import type { Authorizer } from './authorizer.ts';

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  /** What a token is needed for. */
  readonly repository: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** True for blobs. */
  readonly isTransfer?: boolean;
}

export class RegistryClient {
  /** Ends in `/v2/`. */
  readonly base: URL;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;

  constructor(options: {
    readonly url: string;
    readonly transport: Transport;
    readonly authorizer: Authorizer;
  }) {
    this.base = baseOf(options.url);
    this.#transport = options.transport;
    this.#authorizer = options.authorizer;
  }

  /** @param path below `/v2/`. */
  urlOf(path: string): URL {
    return new URL(this.base.href + path);
  }

  /**
   * The last answer, whatever its status: a 401 is answered once. Only the registry itself may challenge us, not where it redirects to.
   * @throws OutboundError or the signal's reason.
   */
  async ask(asked: RegistryRequest, signal?: AbortSignal): Promise<Answer> {
    const send = (authorization: string | undefined) => {
      const headers = { ...asked.headers, ...(authorization === undefined ? {} : { authorization }) };
      return this.#transport.request({ ...asked, headers, redirects: 'follow' }, signal);
    };
    const prepared = await this.#authorizer.prepare(asked.repository, signal);
    const answer = await send(prepared);
    if (answer.status !== 401 || answer.url.origin !== this.base.origin) return answer;
    answer.discard();
    const header = answer.header('www-authenticate');
    return send(await this.#authorizer.answer(header, asked.repository, prepared, signal));
  }
}

/** An address may end in `/`, in `/v2` or in both. What people call docker.io answers at registry-1.docker.io. */
function baseOf(text: string): URL {
  const url = new URL(text);
  if (url.hostname === 'docker.io') url.hostname = 'registry-1.docker.io';
  return new URL(`${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/v2$/, '')}/v2/`);
}
