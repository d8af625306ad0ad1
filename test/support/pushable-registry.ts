/** A registry that is pushed to, as Docker's: it deletes no tags and lists no referrers. It can be slow, refuse, limit, fail and lie. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Digest, digestOf } from '../../src/oci/digest.ts';

export type Fault = (
  method: string,
  path: string,
) => { status: number; headers?: Record<string, string>; body?: string } | undefined;

export class PushableRegistry {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { digest: Digest; type: string; payload: Buffer }>();
  readonly requests: string[] = [];
  /** What is answered instead. */
  fault: Fault | undefined;
  /** Acknowledges manifests, and forgets them. */
  lies = false;
  readonly #server: Server;
  #uploads = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  count(start: string): number {
    return this.requests.filter((request) => request.startsWith(start)).length;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET' } = request;
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    this.requests.push(`${method} ${pathname}`);
    const send = (status: number, headers: Record<string, string> = {}, body?: Buffer | string) => {
      response.writeHead(status, headers).end(method === 'HEAD' ? undefined : body);
    };
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    const fault = this.fault?.(method, pathname);
    if (fault) return send(fault.status, fault.headers, fault.body);
    if (pathname === '/v2/') return send(200);
    const [, name = '', kind, rest = ''] =
      /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|referrers)\/(.*)$/.exec(pathname) ?? [];
    if (kind === 'blobs/uploads' && method === 'POST') {
      const [mount, from] = [searchParams.get('mount'), searchParams.get('from')];
      const mounted = this.blobs.get(`${from}@${mount}`);
      if (mounted) {
        this.blobs.set(`${name}@${mount}`, mounted);
        return send(201);
      }
      this.#uploads += 1;
      return send(202, { location: `/v2/${name}/blobs/uploads/${this.#uploads}?_state=a%3D` });
    }
    if (kind === 'blobs/uploads') {
      const digest = searchParams.get('digest') ?? '';
      if (searchParams.get('_state') !== 'a=' || digestOf(body) !== digest) return send(400);
      this.blobs.set(`${name}@${digest}`, body);
      return send(201);
    }
    if (kind === 'blobs') {
      const found = this.blobs.get(`${name}@${rest}`);
      return found ? send(200, { 'content-length': String(found.length) }, found) : send(404);
    }
    if (kind !== 'manifests') return send(404);
    if (method === 'DELETE') return send(405);
    if (method === 'PUT') {
      const digest = digestOf(body);
      const kept = { digest, type: request.headers['content-type'] ?? '', payload: body };
      if (!this.lies)
        for (const reference of [rest, digest]) this.manifests.set(`${name}:${reference}`, kept);
      return send(201, { 'docker-content-digest': digest });
    }
    const found = this.manifests.get(`${name}:${rest}`);
    if (!found) return send(404);
    return send(200, { 'docker-content-digest': found.digest, 'content-type': found.type }, found.payload);
  }
}
