/** What a policy says of an image that is to be pulled. */
import type { Digest } from '../oci/digest.ts';

/** In the order in which they are asked: what costs least first. */
export const policyNames = ['quarantine', 'signatures', 'severity'] as const;

export type PolicyName = (typeof policyNames)[number];

/** off: it is not asked. warn: it says what it would refuse. enforce: it refuses. */
export const policyModes = ['off', 'warn', 'enforce'] as const;

export type PolicyMode = (typeof policyModes)[number];

/** admitted: let in. warned: let in, although the policy is against it. refused: kept out. */
export type VerdictKind = 'admitted' | 'warned' | 'refused';

export interface Verdict {
  readonly policy: PolicyName;
  readonly kind: VerdictKind;
  /** A sentence without its full stop, which clients are shown: why, and where it is no yes, what to do. */
  readonly reason: string;
  /** What it goes by, as the key or the identity that signed the image. */
  readonly evidence?: string | undefined;
  /** Since when it holds, in epoch milliseconds. */
  readonly since?: number | undefined;
  /** When the image may be pulled, in epoch milliseconds. */
  readonly until?: number | undefined;
  /** Of a tag that is refused: what it may be answered with in its place, the newest first. Each of them is judged, too. */
  readonly older?: readonly Digest[] | undefined;
}
