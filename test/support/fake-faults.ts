/** What a fake registry can be told to do wrong, and how an answer's body is then sent. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export type RequestKind =
  | 'base'
  | 'manifest'
  | 'blob'
  | 'tags'
  | 'catalog'
  | 'referrers'
  | 'token'
  | 'elsewhere'
  | 'other';

export type Coding = 'gzip' | 'deflate' | 'raw deflate' | 'br' | 'zstd';

/** Absent members match everything; `path` is the whole path or a pattern of it. */
export interface RequestMatch {
  readonly method?: string;
  readonly kind?: RequestKind;
  readonly path?: string | RegExp;
  readonly repository?: string;
  /** Tag or digest. */
  readonly reference?: string;
  readonly query?: RegExp;
  /** The scheme of its Authorization. */
  readonly authorization?: 'none' | 'basic' | 'bearer';
  /** Whether a part is asked for, and whether its end is said. */
  readonly range?: 'none' | 'open' | 'closed';
}

/** Effects of several matching faults add up; of the same member the one given last holds. */
export interface Fault {
  /** Before the answer's head. */
  readonly delayMs?: number;
  /** Between the head and the first byte. */
  readonly firstByteDelayMs?: number;
  readonly bytesPerSecond?: number;
  /** The body stops before this byte of the blob until `until` is settled; without it the head waits for `until`. */
  readonly holdAt?: number;
  readonly until?: Promise<unknown>;
  /** After this many bytes of the body the connection is ended. */
  readonly cutAfterBytes?: number;
  /** One bit of the blob's or manifest's byte at this position is flipped. */
  readonly corruptAt?: number;
  /** So many bytes are missing at the end, and the Content-Length says so too. */
  readonly shortBy?: number;
  readonly withoutDigest?: boolean;
  /** Chunked instead of Content-Length. */
  readonly withoutLength?: boolean;
  readonly ignoreRange?: boolean;
  /** Never answers. */
  readonly hang?: boolean;
  /** The connection is ended without an answer. */
  readonly reset?: boolean;
  /** Answers this status with an OCI error (or `body`). */
  readonly status?: number;
  readonly body?: string;
  /** Added to the answer; they replace ours. `{path}`, `{query}` and the names of places stand for what they are, here and in `body`. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Of content, in place of 200 and 206. */
  readonly contentStatus?: number;
  readonly withoutContentRange?: boolean;
  /** How the whole body is compressed, and the answer says so. */
  readonly coding?: Coding;
  /** What is served is what another tag or digest names. */
  readonly serves?: string;
  /** The Link to the next page of a list, which is `{next}`. */
  readonly link?: string;
  /** Blobs are answered with 307 to another origin. */
  readonly redirect?: boolean;
}

export interface MatchedRequest {
  readonly method: string;
  readonly kind: RequestKind;
  readonly path: string;
  readonly query: string;
  readonly repository: string;
  readonly reference: string;
  readonly headers: { readonly authorization?: string | undefined; readonly range?: string | undefined };
}

export function matches(match: RequestMatch, request: MatchedRequest): boolean {
  const { path, query, authorization, range } = match;
  const scheme = request.headers.authorization?.split(' ')[0]?.toLowerCase() ?? 'none';
  const asked = request.headers.range;
  const part = asked === undefined ? 'none' : asked.endsWith('-') ? 'open' : 'closed';
  return (
    (match.method === undefined || match.method === request.method) &&
    (match.kind === undefined || match.kind === request.kind) &&
    (match.repository === undefined || match.repository === request.repository) &&
    (match.reference === undefined || match.reference === request.reference) &&
    (query === undefined || query.test(request.query)) &&
    (authorization === undefined || authorization === scheme) &&
    (range === undefined || range === part) &&
    (path === undefined || (typeof path === 'string' ? path === request.path : path.test(request.path)))
  );
}

/** Text, or several, with values in place of their names in braces; other braces are left. */
export function fill<T extends string | readonly string[]>(
  text: T,
  values: Readonly<Record<string, string>>,
): T extends string ? string : string[];
export function fill(
  text: string | readonly string[],
  values: Readonly<Record<string, string>>,
): string | string[] {
  if (typeof text !== 'string') return text.map((each) => fill(each, values));
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/**
 * Sends `chunks`, whose first byte is byte `start` of the content; ends when the client has gone.
 * @param sent is told of bytes handed to the socket
 */
export async function sendBody(
  response: ServerResponse,
  chunks: Iterable<Buffer>,
  start: number,
  fault: Fault,
  sent: (bytes: number) => void,
): Promise<void> {
  response.flushHeaders();
  if (fault.firstByteDelayMs !== undefined) await sleep(fault.firstByteDelayMs);
  const startedAt = performance.now();
  let position = start;
  for (const piece of pieces(chunks, start, fault)) {
    if (fault.holdAt === position) await fault.until;
    if (response.destroyed) return;
    if (!response.write(corrupted(piece, position, fault))) await drained(response);
    position += piece.length;
    sent(piece.length);
    if (fault.bytesPerSecond !== undefined) {
      const dueMs = ((position - start) / fault.bytesPerSecond) * 1000;
      await sleep(Math.max(0, dueMs - (performance.now() - startedAt)));
    }
  }
  if (fault.holdAt === position) await fault.until;
  if (fault.cutAfterBytes === position - start) response.socket?.destroySoon();
  else response.end();
}

/** Splits where something is to happen, and into small pieces where bytes are slow. */
function* pieces(chunks: Iterable<Buffer>, start: number, fault: Fault): Iterable<Buffer> {
  const largest =
    fault.bytesPerSecond === undefined ? Number.POSITIVE_INFINITY : Math.max(1, fault.bytesPerSecond / 50);
  const end = start + (fault.cutAfterBytes ?? Number.POSITIVE_INFINITY);
  const stops = [fault.holdAt ?? 0, end];
  let position = start;
  for (const chunk of chunks) {
    for (let offset = 0; offset < chunk.length; ) {
      if (position >= end) return;
      const stop = Math.min(...stops.filter((at) => at > position), position + largest);
      const piece = chunk.subarray(offset, Math.min(chunk.length, offset + Math.ceil(stop - position)));
      yield piece;
      offset += piece.length;
      position += piece.length;
    }
  }
}

function corrupted(piece: Buffer, position: number, { corruptAt }: Fault): Buffer {
  if (corruptAt === undefined || corruptAt < position || corruptAt >= position + piece.length) return piece;
  const copy = Buffer.from(piece);
  copy.writeUInt8(copy.readUInt8(corruptAt - position) ^ 1, corruptAt - position);
  return copy;
}

async function drained(response: ServerResponse): Promise<void> {
  const given = new AbortController();
  const { signal } = given;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]).catch(
    () => undefined,
  );
  given.abort();
}
