/**
 * Requests to one registry, with whatever authorization it asks for, and to where it redirects: each origin is authorized by its own
 * challenge, and only the registry's own gets the credentials.
 */
import { LRUCache } from 'lru-cache';
import type { Answer } from '../outbound/answer.ts';
import { followRedirects, type Hop } from '../outbound/redirect.ts';
import type { TransportRequest } from '../outbound/transport.ts';
import { Authorizer, type AuthorizerOptions } from './authorizer.ts';
import { UpstreamLogin, type UpstreamLoginOptions } from './clouds/upstream-login.ts';
import { RegistryPlace } from './registry-place.ts';
import type { UpstreamSettings } from './upstream.ts';

/** Of places that challenged us after a redirect. */
const maxOthers = 100;
/** What those are told that are not let in, or are not to know what there is. */
const refusals = [401, 403, 404];

export interface RegistryRequest {
  readonly method: TransportRequest['method'];
  readonly url: URL;
  /** Whether the URL is one that the registry gave, wherever that is. */
  readonly isGiven?: boolean;
  /** What a token is needed for; empty: the list of repositories. */
  readonly repository: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: NonNullable<TransportRequest['body']>;
  /** True for blobs. */
  readonly isTransfer?: boolean;
}

export interface RegistryAnswer {
  readonly answer: Answer;
  /** Whether it was given for what the upstream has for its registry: the credentials, where there are any, or a token. */
  readonly isAuthorized: boolean;
}

export interface RegistryClientOptions
  extends Omit<AuthorizerOptions, 'base' | 'isAway' | 'login'>,
    UpstreamLoginOptions {
  readonly settings: AuthorizerOptions['settings'] & Pick<UpstreamSettings, 'url'>;
}

export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #place: RegistryPlace;
  readonly #login: UpstreamLogin;
  #own: { readonly base: URL; readonly authorizer: Authorizer } | undefined;
  /** By origin. */
  readonly #others = new LRUCache<string, Authorizer>({ max: maxOthers });

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    this.#place = new RegistryPlace(options.settings.url, options);
    this.#login = new UpstreamLogin(options);
  }

  /** scheme://host:port */
  get origin(): string {
    return this.#place.front.origin;
  }

  /** @param path below `/v2/`. */
  urlOf(path: string): URL {
    return new URL(this.#place.front.href + path);
  }

  /** Whether there is a registry, whatever it has. @throws OutboundError or the signal's reason. */
  isThere(signal?: AbortSignal): Promise<boolean> {
    return this.#place.isThere(signal);
  }

  /**
   * The last answer, whatever its status: at each hop a refusal is answered once.
   * @throws OutboundError or the signal's reason.
   */
  async ask(request: RegistryRequest, signal?: AbortSignal): Promise<RegistryAnswer> {
    const asked = await this.#located(request, signal);
    let isAuthorized = false;
    const answer = await followRedirects(this.#firstHop(asked), async (hop) => {
      const [given, authorization] = await this.#askAt(hop, asked, signal);
      isAuthorized = !hop.isAway && authorization !== undefined;
      return given;
    });
    return { answer, isAuthorized };
  }

  #firstHop({ url, headers = {}, isGiven = false }: RegistryRequest): Hop {
    return { url, headers, isAway: isGiven && url.origin !== this.#own?.base.origin };
  }

  /** The same, where the registry is. */
  async #located(request: RegistryRequest, signal: AbortSignal | undefined): Promise<RegistryRequest> {
    const { base, namespace } = await this.#place.find(signal);
    if (this.#own?.base !== base) {
      const authorizer = new Authorizer({ ...this.#options, login: this.#login, base, isAway: false });
      this.#own = { base, authorizer };
    }
    if (request.isGiven) return { ...request, repository: namespace + request.repository };
    const below = request.url.href.slice(this.#place.front.href.length);
    const url = new URL(base.href + namespace + below);
    return { ...request, url, repository: namespace + request.repository };
  }

  /** The answer, and what it was asked with. */
  async #askAt(
    hop: Hop,
    asked: RegistryRequest,
    signal: AbortSignal | undefined,
  ): Promise<readonly [Answer, string | undefined]> {
    const { origin } = hop.url;
    const send = (authorization: string | undefined) => {
      const headers = { ...hop.headers, ...(authorization !== undefined && { authorization }) };
      const request = { ...asked, ...hop, headers, redirects: 'give' } as const;
      return this.#options.transport.request(request, signal);
    };
    const repository = hop.isAway ? (repositoryIn(hop.url) ?? asked.repository) : asked.repository;
    const known = hop.isAway ? this.#others.get(origin) : this.#own?.authorizer;
    const prepared = await known?.prepare(repository, signal);
    const answer = await send(prepared);
    if (!refusals.includes(answer.status)) return [answer, prepared];
    answer.discard();
    const authorizer = known ?? this.#other(hop.url);
    const better = await authorizer.findBetter(answer, repository, prepared, signal);
    return better === undefined ? [answer, prepared] : [await send(better), better];
  }

  /** For where we are strangers. */
  #other({ origin }: URL): Authorizer {
    const settings = { ...this.#options.settings, credentials: undefined };
    const base = new URL(`${origin}/v2/`);
    const authorizer = new Authorizer({ ...this.#options, login: this.#login, settings, base, isAway: true });
    this.#others.set(origin, authorizer);
    return authorizer;
  }
}

/** What is asked for at another registry, which may have another name there. */
function repositoryIn({ pathname }: URL): string | undefined {
  return /\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\/[^/]+$/.exec(pathname)?.[1];
}
