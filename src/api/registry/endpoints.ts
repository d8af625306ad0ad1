/**
 * The endpoints of /v2 or of /gitlab/v1. Each request is matched with their paths once: the one that is found says what a token for it
 * carries, and answers once it is known who asks.
 */
import { pathToRegexp } from 'path-to-regexp';
import type { ScopeGrant } from '../../auth/rights/identity.ts';
import { mirroredName } from '../mirrors.ts';
import type { RequestContext } from '../state.ts';
import type { Access } from './services.ts';

export interface Endpoint {
  /** The scopes that whoever comes without a good token is told to ask for, at this path with whatever method. */
  wanted(ctx: RequestContext, name: string): readonly ScopeGrant[];
  /** A scope that no token goes without. */
  readonly demanded?: ScopeGrant;
  /** Answers whoever is known, and not yet known to be allowed. Undefined: there is nothing here. */
  answer?(ctx: RequestContext, path: PathParts): Promise<void> | void;
}

export interface PathParts {
  /** The name as it is written: names need no encoding, so that one that has any is none. Empty where the path has none. */
  readonly written: string;
  /** The repository that is meant: at a mirror, an image of its virtual registry. */
  readonly name: string;
  /** The part after the name that is no word of the path, decoded. What cannot be decoded stays as it is, and its parser refuses it. */
  readonly segment: string;
}

/** The repository that a client means by the name that it writes. */
export type NameAt = (ctx: RequestContext, written: string) => string;

/** An endpoint for GET answers HEAD, too. One without a method answers nothing, but asks for a token all the same. */
export type EndpointRow = readonly [
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined,
  paths: string | readonly string[],
  endpoint: Endpoint,
];

interface Entry {
  readonly methods: readonly string[];
  /** The path as a pattern, for metrics. */
  readonly route: string;
  readonly regexp: RegExp;
  readonly endpoint: Endpoint;
}

export class Endpoints {
  readonly #entries: readonly Entry[];
  readonly #nameAt: NameAt;

  /**
   * @param rows the first that has method and path answers. Names may end in words of paths (`foo/tags`), so that the last words of a path
   * decide what it is: a wildcard takes as much as it can
   */
  constructor(rows: readonly EndpointRow[], nameAt: NameAt = (_, written) => written) {
    this.#nameAt = nameAt;
    this.#entries = rows.flatMap(([method, routes, endpoint]) => {
      const methods = method === 'GET' ? ['HEAD', 'GET'] : method === undefined ? [] : [method];
      return [routes].flat().map((route) => {
        const { regexp } = pathToRegexp(route, { sensitive: true, trailing: false });
        return { methods, route, regexp, endpoint };
      });
    });
  }

  /** @param refuse called for what no endpoint answers. @throws OciError UNAUTHORIZED with a challenge, and what the endpoint throws */
  async answer(ctx: RequestContext, access: Access, refuse: () => never): Promise<void> {
    const { path, method } = ctx;
    const found = this.#entries.find(({ methods, regexp }) => methods.includes(method) && regexp.test(path));
    const entry = found ?? this.#at(path)[0];
    const [, written = '', segment = ''] = entry?.regexp.exec(path) ?? [];
    const name = written === '' ? written : this.#nameAt(ctx, written);
    await access.identify(ctx, () => entry?.endpoint.wanted(ctx, name) ?? [], entry?.endpoint.demanded);
    if (!found?.endpoint.answer) return refuse();
    ctx.state.route = found.route;
    await found.endpoint.answer(ctx, { written, name, segment: decode(segment) });
  }

  has(path: string): boolean {
    return this.#at(path).length > 0;
  }

  /** The methods that the path has besides this request's, for `Allow`. */
  otherMethods({ path, method }: RequestContext): string {
    const methods = new Set(this.#at(path).flatMap((entry) => entry.methods));
    methods.delete(method);
    return [...methods].join(', ');
  }

  #at(path: string): readonly Entry[] {
    return this.#entries.filter(({ regexp }) => regexp.test(path));
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The repository that is meant by a name as it is written in a path of /v2; at a mirror, it notes which upstreams are meant, too. */
export function nameAt({ state, querystring }: RequestContext, written: string): string {
  if (!state.mirror) return written;
  const { name, choice } = mirroredName(state.mirror, written, querystring);
  state.choice = choice;
  return name;
}
