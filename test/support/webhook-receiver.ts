/** An endpoint that is told what happens; it can be down, refuse, hang, and answer without end. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Whether it was answered with 2xx. */
  isAcknowledged: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever comes
type Event = any;

/** How a request is answered: with a status, never, or with more than anyone wants to read. */
export type Behaviour = number | 'hang' | 'endless';

export class WebhookReceiver {
  readonly received: Received[] = [];
  /** Of each request, from its headers and its event. */
  behave: (event: Event, tries: number) => Behaviour = () => 200;
  #server: Server | undefined;
  #port = 0;
  readonly #tries = new Map<string, number>();

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await receiver.resume();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/events`;
  }

  get acknowledged(): readonly Received[] {
    return this.received.filter(({ isAcknowledged }) => isAcknowledged);
  }

  /** Those that were acknowledged, in their order. */
  get events(): Event[] {
    return this.acknowledged.map(({ body }) => JSON.parse(body).events[0]);
  }

  /** Refuses connections until {@link resume}. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  async resume(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => this.#take(request.headers, Buffer.concat(chunks).toString(), response));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.#port = address.port;
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #take(headers: IncomingHttpHeaders, body: string, response: ServerResponse): void {
    const id = String(headers['x-entrepot-delivery']);
    const tries = (this.#tries.get(id) ?? 0) + 1;
    this.#tries.set(id, tries);
    const behaviour = this.behave(JSON.parse(body).events[0], tries);
    const status = behaviour === 'endless' ? 200 : behaviour;
    const isAcknowledged = typeof status === 'number' && status >= 200 && status < 300;
    this.received.push({ headers, body, isAcknowledged });
    if (status === 'hang') return;
    response.writeHead(status, status === 302 ? { location: this.url } : {});
    if (behaviour !== 'endless') {
      response.end(`took ${id}`);
      return;
    }
    const pour = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', pour);
    response.on('error', () => undefined);
    pour();
  }
}
