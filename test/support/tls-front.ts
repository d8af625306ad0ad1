/** Ends TLS in front of a server that has none. */
import { connect, type Socket } from 'node:net';
import { createServer, type Server, type TlsOptions } from 'node:tls';

export class TlsFront {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param target the URL of the server */
  static async before(target: string, options: TlsOptions): Promise<TlsFront> {
    const server = createServer(options);
    const front = new TlsFront(server);
    const { hostname: host, port } = new URL(target);
    server.on('tlsClientError', () => undefined);
    server.on('secureConnection', (client) => {
      const onward = connect(Number(port), host);
      for (const socket of [client, onward]) {
        front.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          for (const end of [client, onward]) end.destroy();
        });
      }
      client.pipe(onward).pipe(client);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
