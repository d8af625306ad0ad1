/** A proxy as companies have them: it tunnels by CONNECT, forwards http, may want a login, and may refuse hosts. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface HttpProxyOptions {
  /** user:password */
  readonly login?: string;
  /** Says where a host and port are really to be had. */
  readonly route?: (authority: string) => { readonly host: string; readonly port: number };
  /** What CONNECT is answered; undefined: as it ends. */
  readonly connectStatus?: number;
  /** Of a proxy that speaks TLS itself. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export class HttpProxy {
  /** As "CONNECT host:port" or "GET http://host/path". */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #options: HttpProxyOptions;
  readonly #sockets = new Set<Socket>();

  private constructor(options: HttpProxyOptions) {
    this.#options = options;
    this.#server = options.tls ? createTlsServer(options.tls) : createServer();
    this.#server.on('connection', (socket: Socket) => this.#keep(socket));
    this.#server.on('connect', (asked: IncomingMessage, client: Socket) => this.#tunnel(asked, client));
    this.#server.on('request', (asked, answer) => this.#forward(asked, answer));
  }

  static async start(options: HttpProxyOptions = {}): Promise<HttpProxy> {
    const proxy = new HttpProxy(options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @param login user:password that is said to it */
  url(login?: string): string {
    return `${this.#options.tls ? 'https' : 'http'}://${login === undefined ? '' : `${login}@`}${this.host}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
  }

  #isKnown({ headers }: IncomingMessage): boolean {
    const { login } = this.#options;
    const said = headers['proxy-authorization'];
    return login === undefined || said === `Basic ${Buffer.from(login).toString('base64')}`;
  }

  #placeOf(authority: string) {
    const { hostname, port } = new URL(`http://${authority}`);
    return (
      this.#options.route?.(authority) ?? { host: hostname.replace(/[[\]]/g, ''), port: Number(port || 80) }
    );
  }

  #tunnel(asked: IncomingMessage, client: Socket): void {
    const authority = asked.url ?? '';
    this.requests.push(`CONNECT ${authority}`);
    this.#keep(client);
    const status = this.#isKnown(asked) ? this.#options.connectStatus : 407;
    if (status === 0) return;
    if (status !== undefined) return void client.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    const target = connect(this.#placeOf(authority), () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(target).pipe(client);
    });
    this.#keep(target);
    target.on('close', () => client.destroy());
    client.on('close', () => target.destroy());
  }

  #forward(asked: IncomingMessage, answer: ServerResponse): void {
    this.requests.push(`${asked.method} ${asked.url}`);
    if (!this.#isKnown(asked)) return void answer.writeHead(407).end('login first');
    const { 'proxy-authorization': _login, ...headers } = asked.headers;
    const url = new URL(asked.url ?? '');
    const { method } = asked;
    const onward = request({ ...this.#placeOf(url.host), method, headers, path: url.pathname + url.search });
    onward.on('response', (got) => got.pipe(answer.writeHead(got.statusCode ?? 500, got.headers)));
    onward.on('error', () => answer.writeHead(502).end());
    asked.pipe(onward);
  }
}
