/** One remote registry: asked with the authorization it wants, its answers judged by their status, its health learnt from both. */
import type { SharedCache } from '../cache/shared.ts';
import type { UpstreamTokens } from '../cache/upstream-tokens.ts';
import type { Log } from '../observe/log.ts';
import { privateNetworks, withoutBrackets } from '../outbound/address-guard.ts';
import type { Answer } from '../outbound/answer.ts';
import { type Limit, withDeadline } from '../outbound/deadline.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { HttpProxy } from '../outbound/proxies.ts';
import { Transport, type TransportOptions } from '../outbound/transport.ts';
import type { Ticket } from './breaker.ts';
import type { CloudRules } from './clouds/cloud-identity.ts';
import { Health } from './health.ts';
import { RegistryClient, type RegistryRequest } from './registry-client.ts';
import { SharedHealth } from './shared-health.ts';
import { refusedElsewhere, toStatusError } from './status-error.ts';
import type { UpstreamSettings } from './upstream.ts';
import type { UpstreamObserver, UpstreamRequestKind } from './upstream-observer.ts';

/** As 200, where a proxy between may have changed something. https://www.rfc-editor.org/rfc/rfc9110#section-15.3.4 */
const proxied = 203;

export interface UpstreamOptions extends TransportOptions, CloudRules {
  /** For a whole HEAD of a manifest. */
  readonly probeMs: number;
  /** For all pages of a list together. */
  readonly listMs: number;
  /** Of a transfer, on average over as long as it may stand still. */
  readonly minBytesPerSecond: number;
  readonly breakerFailures: number;
  readonly breakerMs: number;
  /** Pairs as "registry host=token host". */
  readonly tokenHosts: readonly string[];
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly tokens: UpstreamTokens;
  /** What tokens are asked for; undefined: `pull`. */
  readonly actions?: 'pull,push' | undefined;
  /** Where other processes are told how upstreams are doing. */
  readonly shared: Pick<SharedCache, 'find' | 'remember'>;
  readonly observer: UpstreamObserver;
  readonly log: Log;
}

export interface CheckedRequest extends RegistryRequest {
  readonly kind: UpstreamRequestKind;
  /** Other statuses than these become errors; 203 counts as 200. */
  readonly statuses: readonly number[];
  /** For the whole of it, token included, where that is not `answer_seconds`. Transfers have none. */
  readonly limit?: Limit;
}

export class Registry {
  readonly health: Health;
  readonly #settings: UpstreamSettings;
  readonly #options: UpstreamOptions;
  readonly #transport: Transport;
  readonly #client: RegistryClient;
  readonly #answerLimit: Limit;

  constructor(settings: UpstreamSettings, options: UpstreamOptions) {
    this.#settings = settings;
    this.#options = options;
    const shared = new SharedHealth({ cache: options.shared, settings, now: options.now });
    this.health = new Health({ ...options, id: settings.id, name: settings.name, shared });
    this.#transport = createTransport(settings, options);
    this.#answerLimit = { ms: options.answerMs, setting: 'upstreams.answer_seconds' };
    this.#client = new RegistryClient({
      ...options,
      settings,
      transport: this.#transport,
      onExchange: (error, milliseconds) => this.health.ended('token', error, milliseconds),
    });
  }

  /** @param path below `/v2/`. */
  urlOf(path: string): URL {
    return this.#client.urlOf(path);
  }

  /**
   * @param take makes the result of the answer, and reads or discards it; what it throws is the request's failure.
   * @throws OutboundError or the signal's reason.
   */
  ask<T>(
    request: CheckedRequest,
    signal: AbortSignal | undefined,
    take: (answer: Answer, ticket: Ticket) => T | Promise<T>,
  ): Promise<T> {
    const { kind, isTransfer, limit = this.#answerLimit } = request;
    return this.health.run(kind, (ticket) => {
      const attempt = async (heeded: AbortSignal | undefined) => {
        const answer = await this.#check(request, heeded);
        try {
          return await take(answer, ticket);
        } catch (error) {
          answer.destroy();
          throw error;
        }
      };
      return isTransfer ? attempt(signal) : withDeadline(limit, signal, attempt);
    });
  }

  /** Ends everything under way. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #check(request: CheckedRequest, signal: AbortSignal | undefined): Promise<Answer> {
    const { id, name, credentials } = this.#settings;
    try {
      const { answer, isAuthorized } = await this.#client.ask(request, signal);
      const isElsewhere = answer.url.origin !== this.#client.origin;
      if (!isElsewhere) this.health.noteQuota((header) => answer.header(header));
      if (request.statuses.includes(answer.status === proxied ? 200 : answer.status)) return answer;
      answer.discard();
      if (isElsewhere && isRefusedBlob(request, answer)) throw refusedElsewhere(answer);
      const here = credentials === undefined ? 'none' : isAuthorized ? 'sent' : 'kept';
      throw toStatusError(answer, isElsewhere ? 'elsewhere' : here, this.#options.now());
    } catch (error) {
      if (error instanceof OutboundError && error.refusesCredentials) {
        const { message: reason, cause } = error;
        const said = cause === undefined ? {} : { cause: String(cause) };
        const fields = { upstream: id, name, repository: request.repository, reason, ...said };
        this.#options.log.warn(fields, 'the upstream refused its credentials');
      }
      throw error;
    }
  }
}

/** Of blobs, it is a storage that registries redirect to, and which knows nothing of who may. */
function isRefusedBlob({ kind }: CheckedRequest, { status }: Answer): boolean {
  return (kind === 'blob' || kind === 'blob-head') && (status === 401 || status === 403);
}

/** Connections to one upstream, to wherever its settings let them go. */
export function createTransport(
  { url, allowPrivateNetwork, network }: UpstreamSettings,
  options: TransportOptions,
): Transport {
  const { proxy, caCertificate, clientCertificate, tlsVerify: isVerified, headers } = network;
  const { origin, hostname } = new URL(url);
  const ownProxy = proxy === undefined || proxy === 'direct' ? undefined : named(proxy);
  return new Transport({
    ...options,
    allowedNetworks: [...options.allowedNetworks, ...(allowPrivateNetwork ? privateNetworks : [])],
    findProxy: proxy === undefined ? options.findProxy : () => ownProxy,
    trust: {
      authorities: [options.trust?.authorities, caCertificate].flat().filter((each) => each !== undefined),
      host: { hostname: withoutBrackets(hostname), clientCertificate, isVerified },
    },
    originHeaders: { origin, headers },
  });
}

function named(proxy: string): HttpProxy {
  return { url: new URL(proxy), setting: "the upstream's proxy" };
}
