/** Stands between the server and what it stands on, to cut its connections. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isRefusing = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(host: string, port: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server);
    server.on('connection', (client) => proxy.#join(client, connect(port, host)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** The URL with this in the place of what it leads to. */
  static async before(url: string, defaultPort: number): Promise<{ proxy: TcpProxy; url: string }> {
    const through = new URL(url);
    const proxy = await TcpProxy.open(through.hostname, Number(through.port || defaultPort));
    through.host = `127.0.0.1:${proxy.port}`;
    return { proxy, url: through.href };
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Of clients, at the moment. */
  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** All connections, as a machine that dies does, or a pooler that is started anew. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Cuts all connections, and whatever comes from now on. */
  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  accept(): void {
    this.#isRefusing = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, target: Socket): void {
    const ends = [client, target];
    for (const socket of ends) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        for (const end of ends) end.destroy();
      });
    }
    if (this.#isRefusing) {
      client.resetAndDestroy();
      return;
    }
    client.pipe(target).pipe(client);
  }
}
