/** The /v2 middlewares as the server has them, around a repository that a test makes up. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import Koa from 'koa';
import { answerErrors } from '../../../../src/api/errors.ts';
import { createRegistryRouter } from '../../../../src/api/registry/router.ts';
import type { RegistryOptions } from '../../../../src/api/registry/services.ts';
import { type RequestOptions, Requests } from '../../../../src/api/requests.ts';
import { Listener } from '../../../../src/api/server/server.ts';
import type { RequestState } from '../../../../src/api/state.ts';
import type { Identity } from '../../../../src/auth/rights/identity.ts';
import type { Log } from '../../../../src/observe/log.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import type { ReadableRepository, WritableRepository, Writer } from '../../../../src/oci/repository.ts';

export const repositoryName = 'virtual_registries/container/1/library/alpine';
export const hostedName = 'acme/shop/web';
export const bearer = 'Bearer good';
/** Small, so that tests can go beyond it. */
export const maxManifestBytes = 100_000;

/** A log that keeps its lines. */
export class KeptLog implements Log {
  readonly lines: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  readonly debug = (fields: object, message: string) => this.#keep('debug', fields, message);
  readonly info = (fields: object, message: string) => this.#keep('info', fields, message);
  readonly warn = (fields: object, message: string) => this.#keep('warn', fields, message);
  readonly error = (fields: object, message: string) => this.#keep('error', fields, message);
  readonly child = () => this;

  #keep(level: string, fields: object, message: string): void {
    this.lines.push({ level, fields: { ...fields }, message });
  }
}

/** A repository that has nothing, but for what a test gives. */
export function repositoryWith(methods: Partial<ReadableRepository>): ReadableRepository {
  return {
    manifest: () => Promise.reject(new OciError('MANIFEST_UNKNOWN')),
    blob: () => Promise.reject(new OciError('BLOB_UNKNOWN')),
    statBlob: () => Promise.reject(new OciError('BLOB_UNKNOWN')),
    tags: () => Promise.resolve({ tags: [], hasMore: false, outcome: 'hit' }),
    referrers: () => Promise.resolve({ descriptors: [], outcome: 'hit' }),
    ...methods,
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Whether the whole body came. */
  readonly isComplete: boolean;
}

export interface ServerOptions extends Partial<RegistryOptions> {
  /** What is pushed to, at {@link hostedName}. */
  readonly hosted?: WritableRepository;
  /** Of whoever comes with the right token. */
  readonly identity?: Identity;
  readonly externalUrl?: string;
  readonly trustedProxies?: string[];
  readonly logged?: RequestOptions['logged'];
}

export class RegistryServer {
  readonly log = new KeptLog();
  // What it told its observers and services, in order.
  readonly pulls: string[] = [];
  readonly pushes: string[] = [];
  readonly served: [string, number][] = [];
  readonly writers: Writer[] = [];
  #listener: Listener | undefined;

  get url(): string {
    return this.#listener?.url ?? '';
  }

  static async start(
    repository: Partial<ReadableRepository>,
    options: ServerOptions = {},
  ): Promise<RegistryServer> {
    const server = new RegistryServer();
    const { log } = server;
    const { hosted, identity } = options;
    const app = new Koa<RequestState>();
    app.silent = true;
    app.use(
      new Requests({
        log,
        logged: options.logged ?? 'all',
        observer: {
          answered: () => undefined,
          served: (outcome, bytes) => server.served.push([outcome, bytes]),
        },
        externalUrl: options.externalUrl,
        trustedProxies: options.trustedProxies ?? [],
        now: () => performance.now(),
      }).middleware,
    );
    app.use(answerErrors);
    app.use(
      createRegistryRouter({
        repositories: {
          find(name) {
            return name === hostedName
              ? hosted
              : name === repositoryName
                ? repositoryWith(repository)
                : undefined;
          },
          async getWritable(name, writer) {
            server.writers.push(writer);
            if (name === hostedName && hosted) return hosted;
            throw new OciError('DENIED', { detail: `there is no project for ${name}` });
          },
        },
        access: {
          identify: async (ctx) => {
            if (identity) ctx.state.identity = identity;
            if (ctx.get('Authorization') === bearer) return;
            const headers = { 'WWW-Authenticate': `Bearer realm="${ctx.state.externalUrl}/jwt/auth"` };
            throw new OciError('UNAUTHORIZED', { headers });
          },
          require: async () => undefined,
          protectionLevel: async () => 30,
        },
        catalog: { list: async () => ({ names: [], hasMore: false }) },
        maintenance: { readOnlyReason: async () => undefined },
        observer: {
          pulled: (kind, outcome) => server.pulls.push(`${kind} ${outcome}`),
          pushed: (kind) => server.pushes.push(kind),
        },
        maxManifestBytes,
        ...options,
      }),
    );
    const handler = app.callback();
    server.#listener = await Listener.open({ address: '127.0.0.1:0', handler, shutdownMs: 100, log });
    return server;
  }

  /**
   * With the right token, unless the headers say otherwise.
   * @param path or what a Location said
   * @param body sent chunked where it is a stream
   */
  ask(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body: Buffer | Readable = Buffer.alloc(0),
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      // The path as it is: a URL would have its dots resolved.
      const sent = httpRequest(this.url, {
        method,
        path: path.replace(this.url, ''),
        agent: false,
        headers: {
          authorization: bearer,
          ...(Buffer.isBuffer(body) && method !== 'GET' && { 'content-length': String(body.length) }),
          ...headers,
        },
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => undefined);
        response.on('close', () => {
          const { statusCode = 0, headers: received, complete } = response;
          resolve({
            status: statusCode,
            headers: received,
            body: Buffer.concat(chunks),
            isComplete: complete,
          });
        });
      });
      if (Buffer.isBuffer(body)) sent.end(body);
      else body.pipe(sent);
    });
  }

  /** Below the repository. */
  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask('GET', `/v2/${repositoryName}/${path}`, headers);
  }

  head(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask('HEAD', `/v2/${repositoryName}/${path}`, headers);
  }

  /** Below the hosted repository. */
  push(
    method: string,
    path: string,
    body?: Buffer | Readable,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return this.ask(method, `/v2/${hostedName}/${path}`, headers, body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.close();
  }
}

const common = ['date', 'x-request-id', 'x-content-type-options', 'content-security-policy'];

/** Without what differs between any two answers, and what all of them have. */
export function lasting(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !common.includes(name)));
}

export function errorsOf({ body }: Answer): { code: string; message: string; detail?: string }[] {
  return JSON.parse(body.toString()).errors;
}
