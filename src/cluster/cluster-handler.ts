/** What other processes ask this one, at an address of its own. Whoever does not have the installation's secret is told nothing. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Log } from '../observe/log.ts';
import { type ClusterSecret, nonceHeader, signatureHeader } from './cluster-secret.ts';
import { FrameWriter } from './frame-writer.ts';

/** Answers in frames; where it throws, the answer breaks off. */
export type PeerAnswering = (writer: FrameWriter) => Promise<void>;

/** By path: what answers this query, or undefined where nothing is known of it. */
export type PeerRoutes = Readonly<Record<string, (query: URLSearchParams) => PeerAnswering | undefined>>;

export interface ClusterHandlerOptions {
  /** The id of this process. */
  readonly self: string;
  readonly secret: ClusterSecret;
  readonly routes: PeerRoutes;
  readonly log: Log;
}

export function createClusterHandler(options: ClusterHandlerOptions): RequestListener {
  return (request, response) => void answer(request, response, options);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { self, secret, routes, log }: ClusterHandlerOptions,
): Promise<void> {
  const { method = '', url: path = '', headers } = request;
  const nonce = String(headers[nonceHeader] ?? '');
  const signed = { to: self, method, path, nonce };
  if (!secret.isRequest(signed, headers.authorization)) {
    log.warn(
      { address: request.socket.remoteAddress },
      'someone without the secret key of this installation asked what processes ask each other, or asked for another process',
    );
    return refuse(response, 401);
  }
  const { pathname, searchParams } = new URL(path, 'http://peer');
  const answering = Object.hasOwn(routes, pathname) ? routes[pathname]?.(searchParams) : undefined;
  if (!answering) return refuse(response, 404);
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    [signatureHeader]: secret.signatureOf(signed),
  });
  const writer = new FrameWriter(response);
  try {
    await answering(writer);
    writer.end();
  } catch (err) {
    writer.breakOff();
    if (!writer.signal.aborted) log.warn({ err, path: pathname }, 'another process was not answered');
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0 }).end();
}
