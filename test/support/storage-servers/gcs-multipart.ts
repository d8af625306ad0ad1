/**
 * The multipart uploads of the XML API of Google Cloud Storage, which fake-gcs-server does not have, in front of it: parts are kept here,
 * and what is complete is put there. All else is passed on.
 * @see https://cloud.google.com/storage/docs/xml-api/post-object-multipart
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

interface Upload {
  /** `/bucket/key` */
  readonly path: string;
  readonly parts: Map<number, { readonly etag: string; readonly bytes: Buffer }>;
}

const minPartBytes = 5 * 1024 * 1024;

export class GcsMultipart {
  readonly endpoint: string;
  /** By id. */
  readonly uploads = new Map<string, Upload>();
  /** What is answered to the next requests for multipart uploads in place of what they ask for. */
  readonly refusals: { readonly status: number; readonly body: string }[] = [];
  readonly #server: Server;
  readonly #behind: URL;

  private constructor(server: Server, behind: string) {
    this.#server = server;
    this.#behind = new URL(behind);
    const { port } = server.address() as AddressInfo;
    this.endpoint = `http://127.0.0.1:${port}`;
    server.on('request', (ask, answer) => {
      this.#answer(ask, answer).catch((error: unknown) => answer.destroy(error as Error));
    });
  }

  /** @param behind of fake-gcs-server */
  static async start(behind: string): Promise<GcsMultipart> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new GcsMultipart(server, behind);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(ask: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(ask.url ?? '', this.endpoint);
    const id = searchParams.get('uploadId');
    if (id === null && !searchParams.has('uploads')) return this.#passOn(ask, answer);
    const body = await buffer(ask);
    const refusal = this.refusals.shift();
    if (refusal) return void answer.writeHead(refusal.status).end(refusal.body);
    if (id === null && ask.method === 'POST') return this.#initiate(pathname, answer);
    if (id === null) return this.#list(pathname, searchParams.get('prefix') ?? '', answer);
    const upload = this.uploads.get(id);
    if (upload?.path !== pathname) return fail(answer, 404, 'NoSuchUpload');
    switch (ask.method) {
      case 'PUT':
        return putPart(upload, Number(searchParams.get('partNumber')), body, answer);
      case 'POST':
        return this.#complete(id, upload, String(body), answer);
      default:
        this.uploads.delete(id);
        answer.writeHead(204).end();
    }
  }

  #initiate(path: string, answer: ServerResponse): void {
    const id = randomUUID();
    this.uploads.set(id, { path, parts: new Map() });
    answer.end(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
  }

  #list(bucketPath: string, prefix: string, answer: ServerResponse): void {
    const uploads = [...this.uploads].flatMap(([id, { path }]) => {
      const key = path.slice(bucketPath.length + 1);
      const isListed = path.startsWith(`${bucketPath}/`) && key.startsWith(prefix);
      return isListed ? [`<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`] : [];
    });
    answer.end(`<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`);
  }

  async #complete(id: string, { path, parts }: Upload, xml: string, answer: ServerResponse): Promise<void> {
    const asked = [...xml.matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>(.*?)<\/ETag>/g)].map(
      ([, number, etag = '']) => ({ part: parts.get(Number(number)), etag: etag.replaceAll('&quot;', '"') }),
    );
    const chunks: Buffer[] = [];
    for (const [index, { part, etag }] of asked.entries()) {
      if (part?.etag !== etag) return fail(answer, 400, 'InvalidPart');
      if (index < asked.length - 1 && part.bytes.length < minPartBytes)
        return fail(answer, 400, 'EntityTooSmall');
      chunks.push(part.bytes);
    }
    const [, bucket = '', ...key] = path.split('/');
    const query = new URLSearchParams({ uploadType: 'media', name: key.join('/') });
    const url = new URL(`/upload/storage/v1/b/${bucket}/o?${query}`, this.#behind);
    const put = await fetch(url, { method: 'POST', body: Buffer.concat(chunks) });
    if (!put.ok) return fail(answer, put.status, 'InternalError');
    this.uploads.delete(id);
    answer.end('<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
  }

  async #passOn(ask: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method, headers, url: path } = ask;
    const { hostname, port, host } = this.#behind;
    const passed = request({ hostname, port, path, method, headers: { ...headers, host } });
    const [[said]] = await Promise.all([once(passed, 'response'), pipeline(ask, passed)]);
    answer.writeHead(said.statusCode, said.headers);
    await pipeline(said, answer).catch(() => undefined);
  }
}

function putPart({ parts }: Upload, number: number, bytes: Buffer, answer: ServerResponse): void {
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
  parts.set(number, { etag, bytes });
  answer.writeHead(200, { ETag: etag }).end();
}

function fail(answer: ServerResponse, status: number, code: string): void {
  answer.writeHead(status, { 'Content-Type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
}
