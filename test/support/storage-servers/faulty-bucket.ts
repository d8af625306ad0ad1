/** Stands between a server and its bucket over HTTP, and does to requests what networks and object storages do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type BucketFault =
  /** An error as S3 answers it. */
  | { readonly kind: 'answered'; readonly status: number; readonly code: string }
  | { readonly kind: 'late'; readonly ms: number }
  /** Takes the request, and says nothing more. */
  | { readonly kind: 'silent' }
  /** The connection breaks before the request is taken. */
  | { readonly kind: 'refused' }
  /** The request is done, and its answer is lost. */
  | { readonly kind: 'lost' }
  /** The answer's body breaks off. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The answer has so many bytes, and says so, whatever was asked for. */
  | { readonly kind: 'short'; readonly bytes: number }
  /** Ranges are passed over. */
  | { readonly kind: 'whole' };

export class FaultyBucket {
  readonly #server: Server;
  readonly #target: URL;
  /** What becomes of a request; undefined: it is passed on. */
  faultOf: ((request: IncomingMessage) => BucketFault | undefined) | undefined;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
  }

  /** @param endpoint that requests are passed on to */
  static async before(endpoint: string): Promise<FaultyBucket> {
    const server = createServer();
    const bucket = new FaultyBucket(server, new URL(endpoint));
    server.on('request', (incoming, outgoing) => void bucket.#meet(incoming, outgoing));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return bucket;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #meet(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    incoming.on('error', () => undefined);
    outgoing.on('error', () => undefined);
    const fault = this.faultOf?.(incoming);
    if (fault?.kind === 'refused') incoming.socket.resetAndDestroy();
    else if (fault?.kind === 'silent') incoming.resume();
    else if (fault?.kind === 'answered') refuse(incoming, outgoing, fault);
    else {
      if (fault?.kind === 'late') await sleep(fault.ms);
      this.#pass(incoming, outgoing, fault);
    }
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse, fault: BucketFault | undefined): void {
    const { method, url, headers } = incoming;
    const { range, ...others } = headers;
    const kept = fault?.kind === 'whole' || fault?.kind === 'short' ? others : headers;
    const passed = request(new URL(url ?? '', this.#target), { method, headers: kept, agent: false });
    passed.on('error', () => incoming.socket.resetAndDestroy());
    passed.on('response', (answer) => void send(answer, outgoing, fault));
    incoming.pipe(passed);
  }
}

function refuse(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, code }: { readonly status: number; readonly code: string },
): void {
  incoming.resume();
  incoming.once('end', () => {
    outgoing.writeHead(status, { 'content-type': 'application/xml' });
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said by a test</Message></Error>`;
    outgoing.end(incoming.method === 'HEAD' ? undefined : body);
  });
}

async function send(
  answer: IncomingMessage,
  outgoing: ServerResponse,
  fault: BucketFault | undefined,
): Promise<void> {
  const { statusCode = 500, headers } = answer;
  if (fault?.kind === 'lost') {
    answer.resume();
    await once(answer, 'end');
    outgoing.socket?.resetAndDestroy();
    return;
  }
  const most = fault?.kind === 'cut' ? fault.afterBytes : fault?.kind === 'short' ? fault.bytes : undefined;
  const says = fault?.kind === 'short' && { 'content-length': String(fault.bytes) };
  outgoing.writeHead(statusCode, { ...headers, ...says });
  let sent = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      const taken = chunk.subarray(0, most === undefined ? undefined : most - sent);
      sent += taken.length;
      if (!outgoing.write(taken)) await once(outgoing, 'drain');
      if (sent === most) break;
    }
  } catch {
    // One of the two ends has gone.
  }
  if (fault?.kind === 'cut') outgoing.socket?.resetAndDestroy();
  else outgoing.end();
}
