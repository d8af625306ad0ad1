/** A connection that a test writes to as it likes, and reads from only when it asks. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { bearer, hostedName, type RegistryServer } from './registry-server.ts';

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export class RawClient {
  readonly socket: Socket;
  /** Undefined while the connection is sound. */
  error: Error | undefined;
  #received = '';
  readonly #closing: Promise<unknown>;

  constructor({ url }: RegistryServer) {
    this.socket = connect(Number(new URL(url).port), '127.0.0.1');
    this.#closing = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.setEncoding('latin1');
    this.socket.pause();
  }

  /** A request below the hosted repository, with the first bytes of its body at the same time. */
  begin(method: string, path: string, headers: Record<string, string | number>, first = ''): void {
    const lines = Object.entries({ Host: 'a', Authorization: bearer, ...headers });
    const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    this.socket.write(`${method} /v2/${hostedName}/${path} HTTP/1.1\r\n${text}\r\n${first}`);
  }

  /** Until the system has taken all of it; false where the connection ended before. */
  async send(bytes: Buffer): Promise<boolean> {
    const taken = new Promise<boolean>((resolve) => {
      this.socket.write(bytes, (error) => resolve(!error));
    });
    return Promise.race([taken, this.#closing.then(() => false)]);
  }

  /** The next answer that has a Content-Length. */
  async answer(): Promise<RawAnswer> {
    this.socket.off('data', this.#take).on('data', this.#take).resume();
    for (;;) {
      const [, head = '', rest = ''] = /^(.*?\r\n\r\n)(.*)$/s.exec(this.#received) ?? [];
      const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
      if (head !== '' && rest.length >= length) {
        this.#received = rest.slice(length);
        return { status: Number(head.slice(9, 12)), head, body: rest.slice(0, length) };
      }
      if (this.socket.readableEnded || this.socket.destroyed) throw this.error ?? new Error('no answer');
      await Promise.race([once(this.socket, 'data'), this.#closing]);
    }
  }

  async closed(): Promise<void> {
    this.socket.resume();
    await this.#closing;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  readonly #take = (text: string): void => {
    this.#received += text;
  };
}
