/**
 * Who comes in at a server, and when they go: connections are counted before a byte of them is read, what is no HTTP is answered all the
 * same, and a client that takes nothing of its answer, or never ends its body, does not stay.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from '../../observe/log.ts';
import type { Connections } from './connections.ts';
import {
  bodyOf,
  type ConnectionRefusal,
  isTlsHandshake,
  plainOnTls,
  RefusedConnections,
  refusalOf,
} from './refused-connection.ts';

/** How long clients may take, in milliseconds. Uploads and downloads have no total time-out, but do not stand still either. */
export interface Patience {
  /** How long a header may take, or a TLS handshake. */
  readonly headerMs: number;
  /** How long the rest of a body may take, after the answer, that nobody reads any more. */
  readonly restMs: number;
  /** How long taking a byte of the answer may take: whoever follows a fill may be slow, but not dead. */
  readonly idleMs: number;
  /** How long a connection is kept without a request: longer than at proxies and clients (60 s), so that no request meets a closing socket. */
  readonly keepAliveMs: number;
}

export interface DoorkeeperOptions {
  readonly connections: Connections;
  readonly handler: RequestListener;
  readonly log: Log;
  readonly patience: Patience;
  readonly isTls: boolean;
}

const silenceMs = 10_000;

export class Doorkeeper {
  /** Once it is true no connection is kept for another request. */
  isClosing = false;
  readonly #options: DoorkeeperOptions;
  readonly #log: LimitedLog;
  readonly #refused: RefusedConnections;
  /** The answers that are not over. */
  readonly #answers = new Set<ServerResponse>();
  /** The answer that a connection is given now, or was given last. */
  readonly #answerTo = new WeakMap<Duplex, ServerResponse>();

  constructor(server: Server | TlsServer, options: DoorkeeperOptions) {
    this.#options = options;
    this.#refused = new RefusedConnections(options.connections.max);
    this.#log = new LimitedLog(options.log, () => performance.now());
    const serve = server.listeners('connection');
    server.removeAllListeners('connection');
    const proceed = (socket: Socket) => {
      for (const listener of serve) Reflect.apply(listener, server, [socket]);
    };
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => undefined);
      const { connections, isTls } = options;
      const enter = () => {
        const fault = connections.admit(socket);
        if (fault !== undefined) this.#turnAway(socket, fault);
        else if (isTls) this.#look(socket, () => proceed(socket));
        else proceed(socket);
      };
      if (!connections.isFull) return enter();
      // Whoever only keeps a connection gives it up for whoever has something to ask.
      server.closeIdleConnections();
      setImmediate(enter);
    });
    server.on('request', (request, response) => this.#receive(request, response));
    server.on('checkExpectation', (request, response) => {
      this.#begin(request, response);
      answer(response, { status: 417, code: 'UNSUPPORTED', detail: 'Expect can only be 100-continue' });
    });
    server.on('connect', (_request, socket) => {
      this.#refused.refuse(socket, { status: 405, code: 'UNSUPPORTED', detail: 'this server is no proxy' });
    });
    server.on('clientError', (error: Error, socket) => this.#refuse(error, socket));
    server.on('tlsClientError', (error: Error, { remoteAddress }) =>
      this.#log.warn({ reason: error.message, address: remoteAddress }, 'a TLS handshake failed'),
    );
    server.setTimeout(options.patience.idleMs);
    server.on('timeout', (socket: Socket) => this.#tire(socket));
  }

  get isIdle(): boolean {
    return this.#answers.size === 0;
  }

  /** Of those that have been served; who was let in just now may be about to ask. */
  destroyHeard(): void {
    this.#options.connections.destroyHeard();
  }

  destroyAll(): void {
    this.#options.connections.destroyAll();
    this.#refused.destroyAll();
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    this.#begin(request, response);
    if (this.isClosing) response.setHeader('Connection', 'close');
    if (request.headers.host === undefined && request.httpVersion === '1.1') {
      // https://www.rfc-editor.org/rfc/rfc9112#section-3.2
      answer(response, { status: 400, code: 'UNSUPPORTED', detail: 'the header Host is missing' });
      return;
    }
    this.#options.handler(request, response);
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    this.#answers.add(response);
    this.#answerTo.set(request.socket, response);
    response.on('close', () => {
      this.#answers.delete(response);
      if (request.complete || request.destroyed) return;
      const timer = setTimeout(() => request.socket.destroy(), this.#options.patience.restMs);
      request.once('close', () => clearTimeout(timer));
    });
  }

  /** Refuses a connection that is one too many. Through TLS nothing can be said before a handshake, which costs what there is too little of. */
  #turnAway(socket: Socket, detail: string): void {
    this.#log.warn({ reason: detail, address: socket.remoteAddress }, 'a connection was refused');
    const headers = { 'Retry-After': '1' };
    if (this.#options.isTls) socket.destroy();
    else this.#refused.refuse(socket, { status: 503, code: 'UNAVAILABLE', detail, headers });
  }

  /** Looks at the first byte: plain HTTP begins with a letter, which nothing of TLS does. */
  #look(socket: Socket, proceed: () => void): void {
    const timer = setTimeout(() => socket.destroy(), this.#options.patience.headerMs);
    socket.once('close', () => clearTimeout(timer));
    socket.once('readable', () => {
      clearTimeout(timer);
      const first: Buffer | null = socket.read();
      if (first !== null && !isTlsHandshake(first)) {
        const { remoteAddress: address } = socket;
        this.#log.warn({ reason: plainOnTls.detail, address }, 'a request could not be read');
        this.#refused.refuse(socket, plainOnTls);
        return;
      }
      if (first !== null) socket.unshift(first);
      proceed();
    });
  }

  #refuse(error: Error, socket: Duplex): void {
    const refusal = refusalOf(error);
    const current = this.#answerTo.get(socket);
    // An answer that has begun cannot be followed by another one.
    if (!refusal || (current?.headersSent && !current.writableFinished)) {
      socket.destroy();
      return;
    }
    this.#refused.refuse(socket, refusal);
    // A request that breaks off in the middle of its body has a line of its own, as every request.
    if (current && this.#answers.has(current)) return;
    const address = 'remoteAddress' in socket ? socket.remoteAddress : undefined;
    this.#log.warn(
      { reason: refusal.detail, status: refusal.status, address },
      'a request could not be read',
    );
  }

  /** Ends a connection on which nothing moves. It stays while there is nothing to send: our work takes so long, or whoever reads the body judges. */
  #tire(socket: Socket): void {
    const current = this.#answerTo.get(socket);
    const isAnswering = current !== undefined && this.#answers.has(current);
    if (isAnswering && socket.writableLength === 0) socket.setTimeout(this.#options.patience.idleMs);
    else socket.destroy();
  }
}

function answer(response: ServerResponse, refusal: ConnectionRefusal): void {
  const body = Buffer.from(bodyOf(refusal));
  response.writeHead(refusal.status, {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    Connection: 'close',
  });
  response.end(body);
}

/** Logs what any stranger can cause: one line of a kind in a while, which says how many were left out before it. */
class LimitedLog {
  readonly #log: Log;
  readonly #now: () => number;
  /** The kinds by their messages, which are few. */
  readonly #kinds = new Map<string, { readonly saidAt: number; leftOut: number }>();

  /** @param now milliseconds of a clock that is never set back */
  constructor(log: Log, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  warn(fields: object, message: string): void {
    const last = this.#kinds.get(message);
    if (last && this.#now() - last.saidAt < silenceMs) {
      last.leftOut += 1;
      return;
    }
    this.#kinds.set(message, { saidAt: this.#now(), leftOut: 0 });
    this.#log.warn({ ...fields, leftOut: last?.leftOut || undefined }, message);
  }
}
