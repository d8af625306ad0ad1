/** Small JSON documents of other services, such as the keys of a token issuer: over the guarded transport, bounded, without redirects. */
import type { Answer } from './answer.ts';
import { readJsonAnswer } from './json-answer.ts';
import { OutboundError } from './outbound-error.ts';
import { Transport, type TransportOptions } from './transport.ts';

/** JWKS of the largest issuers have some 20 KiB. */
export const maxDocumentBytes = 512 * 1024;
/** A quarter of them is used, as none of it is a blob. */
const maxConnections = 16;

export type JsonDocumentsOptions = Omit<TransportOptions, 'maxConnections'>;

export class JsonDocuments {
  readonly #transport: Transport;

  constructor(options: JsonDocumentsOptions) {
    this.#transport = new Transport({ ...options, maxConnections });
  }

  /** @throws OutboundError, also for what is not there or is no JSON; or the signal's reason */
  async fetch(url: URL, signal: AbortSignal): Promise<unknown> {
    const headers = { accept: 'application/json' };
    const answer = await this.#transport.request(
      { method: 'GET', url, headers, redirects: 'refuse' },
      signal,
    );
    const { status } = answer;
    if (status !== 200) {
      answer.discard();
      throw new OutboundError(status === 404 ? 'not-found' : 'unavailable', `answered ${status}`, { status });
    }
    return readDocument(answer);
  }

  /** The answer whatever its status, as OAuth's refusals are JSON too. @throws OutboundError where it is no JSON; or the signal's reason */
  async post(
    url: URL,
    form: { readonly fields: URLSearchParams; readonly headers: Readonly<Record<string, string>> },
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...form.headers,
    };
    const answer = await this.#transport.request(
      { method: 'POST', url, headers, body: form.fields.toString(), redirects: 'refuse' },
      signal,
    );
    return { status: answer.status, body: await readDocument(answer) };
  }

  /** Ends everything under way. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}

async function readDocument(answer: Answer): Promise<unknown> {
  return (await readJsonAnswer(answer, maxDocumentBytes, 'an answer')).json;
}
