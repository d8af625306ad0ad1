/** The /v2 middlewares as the server has them, around a repository that a test makes up. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import Koa from 'koa';
import { answerErrors } from '../../../../src/api/errors.ts';
import { createRegistryRouter, type RegistryOptions } from '../../../../src/api/registry/router.ts';
import { receiveRequests } from '../../../../src/api/requests.ts';
import { Listener } from '../../../../src/api/server.ts';
import type { RequestState } from '../../../../src/api/state.ts';
import type { Log } from '../../../../src/log.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import type { ReadableRepository } from '../../../../src/oci/repository.ts';

export const repositoryName = 'virtual_registries/container/1/library/alpine';
export const bearer = 'Bearer good';

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
    tags: () => Promise.resolve({ tags: [], outcome: 'hit' }),
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

export class RegistryServer {
  readonly url: string;
  readonly log: KeptLog;
  readonly pulls: string[];
  readonly served: [string, number][];
  readonly #listener: Listener;

  private constructor(listener: Listener, log: KeptLog, pulls: string[], served: [string, number][]) {
    this.url = listener.url;
    this.#listener = listener;
    this.log = log;
    this.pulls = pulls;
    this.served = served;
  }

  static async start(
    repository: Partial<ReadableRepository>,
    options: Partial<RegistryOptions> & {
      readonly externalUrl?: string;
      readonly trustedProxies?: string[];
    } = {},
  ): Promise<RegistryServer> {
    const log = new KeptLog();
    const pulls: string[] = [];
    const served: [string, number][] = [];
    const app = new Koa<RequestState>();
    app.silent = true;
    app.use(
      receiveRequests({
        log,
        observer: { answered: () => undefined, served: (outcome, bytes) => served.push([outcome, bytes]) },
        externalUrl: options.externalUrl,
        trustedProxies: options.trustedProxies ?? [],
        now: () => performance.now(),
      }),
    );
    app.use(answerErrors);
    app.use(
      createRegistryRouter({
        repositories: { find: (name) => (name === repositoryName ? repositoryWith(repository) : undefined) },
        access: {
          middleware: (ctx, next) => {
            if (ctx.get('Authorization') === bearer) return next();
            const headers = { 'WWW-Authenticate': `Bearer realm="${ctx.state.externalUrl}/jwt/auth"` };
            throw new OciError('UNAUTHORIZED', { headers });
          },
          requirePull: async () => undefined,
        },
        observer: { pulled: (kind, outcome) => pulls.push(`${kind} ${outcome}`) },
        ...options,
      }),
    );
    const listener = await Listener.open({
      address: '127.0.0.1:0',
      handler: app.callback(),
      shutdownMs: 100,
      log,
    });
    return new RegistryServer(listener, log, pulls, served);
  }

  /** With the right token, unless the headers say otherwise. */
  ask(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      // The path as it is: a URL would have its dots resolved.
      const sent = httpRequest(this.url, {
        method,
        path,
        agent: false,
        headers: { authorization: bearer, ...headers },
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
      sent.end();
    });
  }

  /** Below the repository. */
  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask('GET', `/v2/${repositoryName}/${path}`, headers);
  }

  head(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask('HEAD', `/v2/${repositoryName}/${path}`, headers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.close();
  }
}

/** What differs between any two answers. */
export function lasting(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { date: _date, 'x-request-id': _requestId, ...rest } = headers;
  return rest;
}

export function errorsOf({ body }: Answer): { code: string; message: string; detail?: string }[] {
  return JSON.parse(body.toString()).errors;
}
