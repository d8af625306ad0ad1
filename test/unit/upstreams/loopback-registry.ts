/** A real server on 127.0.0.1, for what no mock of HTTP can show: broken, slow and kept connections, and addresses. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface LoopbackRegistry {
  readonly port: number;
  readonly url: string;
  /** Of all requests so far, as "METHOD path". */
  readonly requests: string[];
  /** Of all time. */
  connections(): number;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Ends with the test. */
export async function startLoopbackRegistry(handler: Handler): Promise<LoopbackRegistry> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handler(request, response);
  });
  return { requests, ...(await listen(server)) };
}

export async function listen(server: Server): Promise<Omit<LoopbackRegistry, 'requests'>> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, connections: () => sockets.length };
}
