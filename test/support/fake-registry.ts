/** A registry over real sockets that counts its requests and can be slow, cut, corrupt, refusing, redirecting or gone. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { bytesBlob, type FakeBlob, type FakeManifest } from './fake-content.ts';
import { type Coding, type Fault, fill, matches, type RequestMatch, sendBody } from './fake-faults.ts';
import { FakeRepository } from './fake-repository.ts';
import { type FakeAuth, FakeTokens } from './fake-tokens.ts';
import { type LoggedRequest, logOf } from './logged-request.ts';

export interface FakeRegistryOptions {
  readonly auth?: FakeAuth;
  /** Tags per page with a Link to the next; unpaged without. */
  readonly tagsPerPage?: number;
  /** False answers 404, as registries before OCI 1.1. */
  readonly referrersApi?: boolean;
  /** What faults and realms may name in braces. */
  readonly places?: Readonly<Record<string, string>>;
}

const compress: Readonly<Record<Coding, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  'raw deflate': (bytes) => deflateRawSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
};

export class FakeRegistry {
  readonly requests: LoggedRequest[] = [];
  options: FakeRegistryOptions;
  readonly #repositories = new Map<string, FakeRepository>();
  readonly #faults = new Set<{ match: RequestMatch; fault: Fault; isSpent: (path: string) => boolean }>();
  readonly #tokens = new FakeTokens();
  #main: Server | undefined;
  #elsewhere: Server | undefined;
  #port = 0;
  #elsewherePort = 0;

  constructor(options: FakeRegistryOptions = {}) {
    this.options = options;
  }

  /** Listens on 127.0.0.1; again on the same port after {@link stop}. */
  async start(): Promise<this> {
    this.#main = createServer((request, response) => this.#answer(request, response, false));
    this.#elsewhere = createServer((request, response) => this.#answer(request, response, true));
    this.#port = await listen(this.#main, this.#port);
    this.#elsewherePort = await listen(this.#elsewhere, this.#elsewherePort);
    return this;
  }

  /** Ends every connection; connecting is refused from then on. */
  async stop(): Promise<void> {
    await Promise.all([close(this.#main), close(this.#elsewhere)]);
    this.#main = undefined;
    this.#elsewhere = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** http://127.0.0.1:port */
  get url(): string {
    return `http://${this.host}`;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Where redirected blobs are served: another origin. */
  get elsewhereUrl(): string {
    return `http://127.0.0.1:${this.#elsewherePort}`;
  }

  repository(name: string): FakeRepository {
    const known = this.#repositories.get(name) ?? new FakeRepository();
    this.#repositories.set(name, known);
    return known;
  }

  /**
   * Holds for the next `times` matching requests, or until the function given back is called.
   * @param each counts the requests of each path by themselves
   */
  fault(match: RequestMatch, fault: Fault, times = Number.POSITIVE_INFINITY, each = false): () => void {
    const seen = new Map<string, number>();
    const isSpent = (path: string) => {
      const key = each ? path : '';
      const before = seen.get(key) ?? 0;
      seen.set(key, before + 1);
      return before >= times;
    };
    const rule = { match, fault, isSpent };
    this.#faults.add(rule);
    return () => void this.#faults.delete(rule);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  matching(match: RequestMatch = {}): LoggedRequest[] {
    return this.requests.filter((request) => matches(match, request));
  }

  count(match: RequestMatch = {}): number {
    return this.matching(match).length;
  }

  bytesSent(match: RequestMatch = {}): number {
    return this.matching(match).reduce((sum, request) => sum + request.bytesSent, 0);
  }

  forgetRequests(): void {
    this.requests.length = 0;
  }

  #answer(request: IncomingMessage, response: ServerResponse, isElsewhere: boolean): void {
    const logged = logOf(request, isElsewhere);
    this.requests.push(logged);
    response.on('error', () => undefined);
    response.on('close', () => {
      logged.status = response.headersSent ? response.statusCode : 0;
      logged.isOver = true;
    });
    request.resume();
    this.#handle(logged, response).catch(() => response.destroy());
  }

  async #handle(logged: LoggedRequest, response: ServerResponse): Promise<void> {
    const fault = this.#take(logged);
    if (fault.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault.holdAt === undefined) await fault.until;
    if (fault.hang) return;
    if (fault.reset) return void response.destroy();
    const values = { path: logged.path, query: logged.query, ...this.options.places };
    for (const [name, value] of Object.entries(fault.headers ?? {}))
      response.setHeader(name, fill(value, values));
    if (fault.status !== undefined)
      return this.#refuse(response, fault.status, 'UNKNOWN', fault.body && fill(fault.body, values));
    const { auth } = this.options;
    if (auth?.kind === 'bearer' && logged.kind === 'token') {
      const { status, body } = this.#tokens.issue(auth, logged, this.host);
      response.statusCode = status;
      setDefault(response, 'content-type', 'application/json');
      return this.#send(response, Buffer.from(body), fault);
    }
    if (auth && logged.kind !== 'elsewhere') {
      const challenge = this.#tokens.challenge(auth, logged, this.url);
      if (challenge !== undefined) {
        response.setHeader('www-authenticate', fill(challenge, values));
        return this.#refuse(response, 401, 'UNAUTHORIZED');
      }
    }
    await this.#serve(logged, response, fault);
  }

  async #serve(logged: LoggedRequest, response: ServerResponse, fault: Fault): Promise<void> {
    const { kind } = logged;
    const reference = fault.serves ?? logged.reference;
    const repository = this.#repositories.get(logged.repository);
    setDefault(response, 'docker-distribution-api-version', 'registry/2.0');
    if (kind === 'base') return this.#json(response, {}, fault);
    if (logged.method !== 'GET' && logged.method !== 'HEAD')
      return this.#refuse(response, 405, 'UNSUPPORTED');
    if (kind === 'catalog')
      return this.#json(response, { repositories: [...this.#repositories.keys()].sort() }, fault);
    if (repository === undefined) return this.#refuse(response, 404, 'NAME_UNKNOWN');
    if (kind === 'tags') {
      const page = repository.tagsPage(logged, this.options.tagsPerPage);
      if (page.next !== undefined) {
        setDefault(response, 'link', fill(fault.link ?? '<{next}>; rel="next"', { next: page.next }));
      }
      return this.#json(response, { name: logged.repository, tags: page.tags }, fault);
    }
    if (kind === 'referrers' && this.options.referrersApi !== false) {
      const filter = new URLSearchParams(logged.query).get('artifactType');
      if (filter !== null) setDefault(response, 'oci-filters-applied', 'artifactType');
      setDefault(response, 'content-type', 'application/vnd.oci.image.index.v1+json');
      return this.#json(response, repository.referrersIndex(reference, filter), fault);
    }
    if (kind === 'manifest') {
      const manifest = repository.manifest(reference);
      if (!manifest) return this.#refuse(response, 404, 'MANIFEST_UNKNOWN');
      return this.#content(logged, response, fault, bytesBlob(manifest.payload), manifest);
    }
    const blob = kind === 'blob' || kind === 'elsewhere' ? repository.blob(reference) : undefined;
    if (!blob) return this.#refuse(response, 404, 'BLOB_UNKNOWN');
    if (fault.redirect && kind === 'blob') {
      setDefault(response, 'location', `${this.elsewhereUrl}${logged.path}?signature=secret`);
      return void response.writeHead(307, { 'content-length': 0 }).end();
    }
    return this.#content(logged, response, fault, blob, undefined);
  }

  async #content(
    logged: LoggedRequest,
    response: ServerResponse,
    fault: Fault,
    blob: FakeBlob,
    manifest: FakeManifest | undefined,
  ): Promise<void> {
    const range = fault.ignoreRange ? undefined : /^bytes=(\d+)-(\d*)$/.exec(logged.headers.range ?? '');
    const start = range ? Number(range[1]) : 0;
    if (start > blob.size || (range && start === blob.size)) {
      response.setHeader('content-range', `bytes */${blob.size}`);
      return this.#refuse(response, 416, 'RANGE_INVALID');
    }
    if (fault.coding && logged.method === 'GET') {
      setDefault(response, 'content-type', manifest?.mediaType ?? 'application/octet-stream');
      return this.#send(response, Buffer.concat([...blob.read(0, blob.size)]), fault);
    }
    const whole = blob.size - (fault.shortBy ?? 0);
    const end = range?.[2] ? Math.min(Number(range[2]) + 1, whole) : whole;
    if (range && !fault.withoutContentRange)
      setDefault(response, 'content-range', `bytes ${start}-${end - 1}/${blob.size}`);
    setDefault(response, 'content-type', manifest?.mediaType ?? 'application/octet-stream');
    if (!fault.withoutDigest) setDefault(response, 'docker-content-digest', (manifest ?? blob).digest);
    if (!fault.withoutDigest) setDefault(response, 'etag', `"${(manifest ?? blob).digest}"`);
    if (!fault.withoutLength) setDefault(response, 'content-length', String(Math.max(0, end - start)));
    response.statusCode = fault.contentStatus ?? (range ? 206 : 200);
    if (logged.method === 'HEAD') return void response.end();
    await sendBody(response, blob.read(start, end), start, fault, (bytes) => {
      logged.bytesSent += bytes;
    });
  }

  #take(logged: LoggedRequest): Fault {
    let merged: Fault = {};
    for (const rule of this.#faults) {
      if (!matches(rule.match, logged) || rule.isSpent(logged.path)) continue;
      merged = { ...merged, ...rule.fault };
    }
    return merged;
  }

  #json(response: ServerResponse, body: object, fault: Fault): void {
    setDefault(response, 'content-type', 'application/json');
    this.#send(response, Buffer.from(JSON.stringify(body)), fault);
  }

  #send(response: ServerResponse, bytes: Buffer, { coding }: Fault): void {
    const sent = coding ? compress[coding](bytes) : bytes;
    if (coding) setDefault(response, 'content-encoding', coding.replace('raw ', ''));
    response.setHeader('content-length', sent.length);
    response.end(sent);
  }

  #refuse(response: ServerResponse, status: number, code: string, body?: string): void {
    const text =
      body ?? JSON.stringify({ errors: [{ code, message: `fake registry says ${status}`, detail: null }] });
    setDefault(response, 'content-type', 'application/json');
    response.writeHead(status, { 'content-length': Buffer.byteLength(text) }).end(text);
  }
}

function setDefault(response: ServerResponse, name: string, value: string): void {
  if (!response.hasHeader(name)) response.setHeader(name, value);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(portOf(server.address())));
  });
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

async function close(server: Server | undefined): Promise<void> {
  if (!server) return;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
