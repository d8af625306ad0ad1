/**
 * Answers what never becomes a request: bytes that are no HTTP, headers that are too large or too slow, one connection too many. Answers
 * have the shape of /v2, whose clients show it.
 */

import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type OciErrorCode, ociErrors } from '../../oci/errors.ts';
import { isSystemError } from '../../oci/system-error.ts';

/**
 * Size of a request's header with its first line. A request for a token may name hundreds of repositories in its query, and
 * is then as long as a form may be; proxies take less.
 */
export const maxHeaderBytes = 64 * 1024;

/** How long a client may take to read its answer: a connection closed on what still comes loses it to a reset. */
const lingerMs = 1000;
/** How many refused connections may linger, each of which takes a file as well; beyond these, or an eighth of all, they are only closed. */
const maxLingering = 32;

export interface ConnectionRefusal {
  readonly status: number;
  readonly code: OciErrorCode;
  /** What is wrong and what to do about it, in a sentence. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class RefusedConnections {
  readonly #maxLingering: number;
  readonly #lingering = new Set<Duplex>();

  /** @param maxConnections how many are not refused */
  constructor(maxConnections: number) {
    this.#maxLingering = Math.min(maxLingering, Math.ceil(maxConnections / 8));
  }

  /** Answers and closes the connection. */
  refuse(socket: Duplex, refusal: ConnectionRefusal): void {
    if (this.#lingering.has(socket)) return;
    if (!socket.writable || this.#lingering.size >= this.#maxLingering) {
      socket.destroy();
      return;
    }
    this.#lingering.add(socket);
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.on('error', () => undefined);
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
      this.#lingering.delete(socket);
    });
    // Nobody waits for a client that has said that nothing more comes.
    socket.end(render(refusal), () => socket.readableEnded && socket.destroy());
    socket.resume();
  }

  destroyAll(): void {
    for (const socket of this.#lingering) socket.destroy();
  }
}

export function bodyOf({ code, detail }: Pick<ConnectionRefusal, 'code' | 'detail'>): string {
  return JSON.stringify({ errors: [{ code, message: detail || ociErrors[code].message }] });
}

function render({ status, headers, ...error }: ConnectionRefusal): string {
  const body = bodyOf(error);
  const lines = Object.entries({
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}

/** The first byte of a TLS connection: a record with the beginning of a handshake. */
const tlsHandshake = 22;

export function isTlsHandshake(bytes: Uint8Array | undefined): boolean {
  return bytes?.[0] === tlsHandshake;
}

export const plainOnTls: ConnectionRefusal = {
  status: 400,
  code: 'UNSUPPORTED',
  detail: 'this port speaks TLS, and the request came without: use https://',
};

const tlsOnPlain: ConnectionRefusal = {
  status: 400,
  code: 'UNSUPPORTED',
  detail: 'this port speaks plain HTTP, and the client began with TLS: use http://',
};

/** What Node's parser found, by the code of its error; undefined where the connection broke, and nobody is there to be answered. */
export function refusalOf(error: Error): ConnectionRefusal | undefined {
  const code = isSystemError(error) ? error.code : '';
  if ('rawPacket' in error && error.rawPacket instanceof Uint8Array && isTlsHandshake(error.rawPacket))
    return tlsOnPlain;
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: 431,
        code: 'UNSUPPORTED',
        detail: `the request's first line and header have more than ${maxHeaderBytes} bytes: send a token for fewer scopes, fewer cookies, or a shorter path`,
      };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, code: 'SIZE_INVALID', detail: 'the extensions of the chunks are too large' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, code: 'UNSUPPORTED', detail: 'the header of the request did not come in time' };
    case 'HPE_PAUSED_H2_UPGRADE':
      return { status: 400, code: 'UNSUPPORTED', detail: 'HTTP/2 is not spoken here: use HTTP/1.1' };
    default: {
      if (!code.startsWith('HPE_')) return undefined;
      const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
      return { status: 400, code: 'UNSUPPORTED', detail: `the request is not HTTP/1.1: ${reason}` };
    }
  }
}
