/**
 * Requests to one registry, with whatever authorization it asks for, and to where it redirects: each origin is authorized by its own
 * challenge, and only the registry's own gets the credentials.
 */
import { LRUCache } from 'lru-cache';
import { isDockerHub } from '../oci/registry-host.ts';
import type { Answer } from '../outbound/answer.ts';
import { followRedirects, type Hop } from '../outbound/redirect.ts';
import { Authorizer, type AuthorizerOptions } from './authorizer.ts';
import type { UpstreamSettings } from './upstream.ts';

/** Of places that challenged us after a redirect. */
const maxOthers = 100;
/** What those are told that are not let in, or are not to know what there is. */
const refusals = [401, 403, 404];

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  /** What a token is needed for. */
  readonly repository: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** True for blobs. */
  readonly isTransfer?: boolean;
}

export interface RegistryAnswer {
  readonly answer: Answer;
  /** Whether the credentials, or a token for them, were sent to who gave it. */
  readonly isAuthorized: boolean;
}

export interface RegistryClientOptions extends Omit<AuthorizerOptions, 'base' | 'challenger'> {
  readonly settings: AuthorizerOptions['settings'] & Pick<UpstreamSettings, 'url'>;
}

export class RegistryClient {
  /** Ends in `/v2/`. */
  readonly base: URL;
  readonly #options: RegistryClientOptions;
  readonly #own: Authorizer;
  /** By origin. */
  readonly #others = new LRUCache<string, Authorizer>({ max: maxOthers });

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    this.base = baseOf(options.settings.url);
    this.#own = new Authorizer({ ...options, base: this.base, challenger: this.base });
  }

  /** @param path below `/v2/`. */
  urlOf(path: string): URL {
    return new URL(this.base.href + path);
  }

  /**
   * The last answer, whatever its status: at each hop a refusal is answered once.
   * @throws OutboundError or the signal's reason.
   */
  async ask(asked: RegistryRequest, signal?: AbortSignal): Promise<RegistryAnswer> {
    let isAuthorized = false;
    const answer = await followRedirects({ url: asked.url, headers: asked.headers ?? {} }, async (hop) => {
      const [given, authorization] = await this.#askAt(hop, asked, signal);
      const isOwn = !hop.isAway && this.#options.settings.credentials !== undefined;
      isAuthorized = isOwn && authorization !== undefined;
      return given;
    });
    return { answer, isAuthorized };
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
    const known = hop.isAway ? this.#others.get(origin) : this.#own;
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
    const authorizer = new Authorizer({ ...this.#options, settings, base, challenger: undefined });
    this.#others.set(origin, authorizer);
    return authorizer;
  }
}

/** What is asked for at another registry, which may have another name there. */
function repositoryIn({ pathname }: URL): string | undefined {
  return /\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\/[^/]+$/.exec(pathname)?.[1];
}

/** An address may end in `/`, in `/v2` or in both. Docker Hub is one registry, whichever of its hosts is named and as what people know it. */
function baseOf(text: string): URL {
  const url = new URL(text);
  const path = url.pathname.replace(/\/+$/, '');
  if (isDockerHub(url)) return new URL(`https://registry-1.docker.io${path.replace(/\/v[12]$/, '')}/v2/`);
  return new URL(`${url.origin}${path.replace(/\/v2$/, '')}/v2/`);
}
