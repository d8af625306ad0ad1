import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Koa from 'koa';

export interface Answer {
  readonly status: number | undefined;
  /** What the status line says after the number. */
  readonly reason?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Question {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** One HTTP exchange with a koa application, over a pair of streams instead of a socket. */
export async function ask(
  // biome-ignore lint/suspicious/noExplicitAny: an application with any state
  app: Koa<any, any>,
  path: string,
  { method = 'GET', headers = {}, body }: Question = {},
): Promise<Answer> {
  const [client, server] = duplexPair();
  createServer(app.callback()).emit('connection', server);
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const asked = request({ method, path, headers: { ...length, ...headers }, createConnection: () => client });
  return new Promise((resolve, reject) => {
    asked.on('error', reject);
    asked.on('response', (response) => {
      text(response)
        .then((body) => {
          const { statusCode: status, statusMessage: reason, headers } = response;
          resolve({ status, reason, headers, body });
        })
        .catch(reject)
        .finally(() => client.destroy());
    });
    asked.end(body);
  });
}
