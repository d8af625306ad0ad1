/**
 * Where a registry is whose URL has a path. The path stands in front of `/v2/`, as in GitLab, where something speaks as a registry there;
 * where only the host itself does, the path is a namespace of its repositories. That is found out once.
 */
import { SingleFlight } from '../concurrency/single-flight.ts';
import { isRepositoryName } from '../oci/reference.ts';
import { dockerHubUrl, isDockerHub } from '../oci/registry-host.ts';
import type { Answer } from '../outbound/answer.ts';
import { withDeadline } from '../outbound/deadline.ts';
import type { Transport } from '../outbound/transport.ts';

/** Where nothing says that it is a registry, the path is taken to be in front, and asked about again after so long. */
const assumedMs = 600_000;

export interface Place {
  /** Ends in `/v2/`. */
  readonly base: URL;
  /** What comes before the names of repositories: empty, or ends in `/`. */
  readonly namespace: string;
}

export interface RegistryPlaceOptions {
  readonly transport: Transport;
  /** For a whole answer. */
  readonly answerMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class RegistryPlace {
  readonly #options: RegistryPlaceOptions;
  /** With the URL's path in front of `/v2/`. */
  readonly #front: Place;
  readonly #within: Place;
  readonly #questions = new SingleFlight<Place>();
  /** Until when; undefined: for good. */
  #known: { readonly place: Place; readonly until?: number } | undefined;

  constructor(text: string, options: RegistryPlaceOptions) {
    this.#options = options;
    const url = new URL(text);
    const path = url.pathname.replace(/\/+$/, '');
    const isHub = isDockerHub(url);
    const origin = isHub ? dockerHubUrl : url.origin;
    const front = path.replace(isHub ? /\/v[12]$/ : /\/v2$/, '');
    this.#front = { base: new URL(`${origin}${front}/v2/`), namespace: '' };
    const namespace = front.replace(/^\/+(?:v2\/)?/, '');
    this.#within = { base: new URL(`${origin}/v2/`), namespace: `${namespace}/` };
    // Whoever writes `/v2` at the end says where it is.
    if (front !== path || !isRepositoryName(namespace)) this.#known = { place: this.#front };
  }

  /** What the URL says, for all that is known without asking. */
  get front(): URL {
    return this.#front.base;
  }

  /** @throws OutboundError where that cannot be found out now, or the signal's reason */
  async find(signal: AbortSignal | undefined): Promise<Place> {
    const known = this.#known;
    if (known && (known.until === undefined || this.#options.now() < known.until)) return known.place;
    const limit = { ms: this.#options.answerMs, setting: 'upstreams.answer_seconds' };
    const run = (unwanted: AbortSignal) => withDeadline(limit, unwanted, (deadline) => this.#ask(deadline));
    return this.#questions.run('', run, signal).outcome;
  }

  /** Whether there may be a registry at either. @throws OutboundError or the signal's reason */
  async isThere(signal: AbortSignal | undefined): Promise<boolean> {
    const { base } = await this.find(signal);
    const answer = await this.#answerAt(base, signal);
    return isRegistry(answer) || isFailure(answer);
  }

  async #ask(signal: AbortSignal): Promise<Place> {
    for (const place of [this.#front, this.#within]) {
      const answer = await this.#answerAt(place.base, signal);
      // One that fails only there may answer for its images.
      if (isFailure(answer)) return this.#front;
      if (!isRegistry(answer)) continue;
      this.#known = { place };
      return place;
    }
    this.#known = { place: this.#front, until: this.#options.now() + assumedMs };
    return this.#front;
  }

  async #answerAt(url: URL, signal: AbortSignal | undefined): Promise<Answer> {
    const request = { method: 'GET', url, headers: {}, redirects: 'follow' } as const;
    const answer = await this.#options.transport.request(request, signal);
    answer.discard();
    return answer;
  }
}

function isFailure({ status }: Answer): boolean {
  return status >= 500 || status === 429;
}

/** Web servers answer to any path, too, with a page. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support */
function isRegistry(answer: Answer): boolean {
  if (answer.status === 401 || answer.status === 403) return true;
  return answer.status === 200 && !answer.header('content-type')?.match(/html/i);
}
