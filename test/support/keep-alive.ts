/** Requests over connections that stay open: thousands of them in a test that has to be quick. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';

const maxConnections = 16;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export class KeepAliveClient {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: maxConnections });

  constructor(url: string) {
    this.#url = url;
  }

  ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { method, agent: this.#agent, headers: { ...headers } };
      const asked = request(`${this.#url}${path}`, options, (answer) => {
        const { statusCode = 0, headers } = answer;
        text(answer).then((body) => resolve({ status: statusCode, headers, body }), reject);
      });
      asked.once('error', reject);
      asked.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Status and OCI code, `200` or `403 DENIED`, which is all that a client decides by. */
export function verdictOf({ status, body }: Answer): string {
  const code = status < 400 ? undefined : /"code":"(\w+)"/.exec(body)?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}
