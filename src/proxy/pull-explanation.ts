/** What an explanation of a pull says: of the whole, of each upstream, and of one part of a virtual registry. */
import type { Verdict } from '../admission/verdict.ts';
import type { Digest } from '../oci/digest.ts';
import type { Reference, RepositoryName } from '../oci/reference.ts';
import type { OutboundErrorKind } from '../outbound/outbound-error.ts';
import type { BreakerState } from '../upstreams/upstream.ts';

export interface PullExplanation {
  /** In the order they are asked. */
  readonly upstreams: readonly UpstreamExplanation[];
  readonly verdict: PullVerdict;
  /** What each policy that has a say does with the image; undefined where there is none to be judged. */
  readonly admission: readonly Verdict[] | undefined;
}

export interface UpstreamExplanation {
  readonly id: number;
  readonly name: string;
  readonly position: number;
  /** Its name at this upstream. */
  readonly repository: string;
  /** By its patterns. */
  readonly isAllowed: boolean;
  /** False where the certificate of its host is not looked at. */
  readonly tlsVerify: boolean;
  /** Always closed for a local one. */
  readonly breaker: BreakerState;
  /** A local one has none: nothing of it is cached. */
  readonly entry: ExplainedEntry | undefined;
  /** Whether a pull would ask it: a remote one by a request. */
  readonly wouldAsk: boolean;
  /** What it said just now; undefined where it was not asked. */
  readonly answer: ExplainedAnswer | undefined;
}

export interface ExplainedEntry {
  readonly digest: Digest;
  /** Epoch milliseconds. */
  readonly checkedAt: number;
  readonly isFresh: boolean;
}

export interface ExplainedAnswer {
  readonly result: 'found' | OutboundErrorKind;
  /** Where it was found and the upstream says it. */
  readonly digest: Digest | undefined;
  /** What went wrong, for people. */
  readonly message: string | undefined;
}

export interface PullVerdict {
  /** Undefined where the pull would fail. */
  readonly upstreamId: number | undefined;
  readonly source: 'cache' | 'upstream' | 'hosted' | undefined;
  readonly digest: Digest | undefined;
  /** A sentence. */
  readonly why: string;
}

/** What is pulled. */
export interface ExplainedPull {
  readonly repository: RepositoryName;
  readonly reference: Reference;
  /** Whether a pull would come to this part; where not, nobody is asked. */
  readonly isReached: boolean;
}

export type PartExplanation = Omit<UpstreamExplanation, 'position'>;

/** What one part of a virtual registry says. */
export interface ExplainedPart {
  readonly upstreams: readonly PartExplanation[];
  /** Undefined where nobody here has the image. */
  readonly verdict: PullVerdict | undefined;
  readonly admission?: readonly Verdict[] | undefined;
}
