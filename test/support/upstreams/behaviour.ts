/** How a registry that exists behaves, as data: what it and its neighbours want and do, and what must come of a pull through it. */
import type { Fault, RequestMatch } from '../fake-faults.ts';
import type { FakeAuth } from '../fake-tokens.ts';

/** To which requests what is done, and how often for each path; always without a number. */
export type Deed = readonly [to: RequestMatch, does: Fault, times?: number];

/** A registry at an origin of its own; all of a behaviour have the same content. */
export interface Place {
  readonly auth?: FakeAuth;
  readonly tagsPerPage?: number;
  readonly referrersApi?: boolean;
  readonly deeds?: readonly Deed[];
}

export interface Behaviour {
  /** What it does, after "a registry that". */
  readonly name: string;
  /** The upstream. In headers, bodies and challenges `{here}`, `{elsewhere}` and `{beyond}` are the addresses of the three. */
  readonly here: Place;
  readonly elsewhere?: Place;
  readonly beyond?: Place;
  /** Fields of our upstream beside its URL. */
  readonly upstream?: {
    readonly username?: string;
    readonly password?: string;
    readonly token_host?: string;
  };
  /** ENTREPOT_ variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Makes the image's manifest an odd one. */
  readonly manifest?: (usual: Readonly<Record<string, unknown>>) => object;
  /** Of the odd manifest. */
  readonly mediaType?: string;
  /** What `here` does once all was pulled and is to be revalidated. */
  readonly later?: readonly Deed[];
  /** What a client is told that gets no image. */
  readonly refused?: {
    readonly of: 'manifest' | 'blob';
    readonly status: number;
    readonly message: RegExp;
  };
  /** True where it has no referrers, whatever it says. */
  readonly hasNoReferrers?: true;
  /** What a cold pull of a manifest by tag asks, place by place in order, as "here HEAD manifest 401". */
  readonly asks?: readonly string[];
}
