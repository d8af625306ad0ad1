/** Faults that no test sees, each with the reason why none has to. */
import { acceptedInAuth } from './accepted/auth.ts';
import { acceptedInGc } from './accepted/gc.ts';
import { acceptedInHosted } from './accepted/hosted.ts';
import { acceptedInObjects } from './accepted/objects.ts';
import { acceptedInProxy } from './accepted/proxy.ts';
import { acceptedInRules } from './accepted/rules.ts';
import { acceptedInStorage } from './accepted/storage.ts';
import { acceptedInUpstreams } from './accepted/upstreams.ts';

export interface AcceptedFault {
  /** Below src/. */
  readonly file: string;
  /** The line as it is, without what stands around it. */
  readonly line: string;
  /** What takes its place: the replacement, or the kind of fault where all of that kind are meant. */
  readonly fault: string;
  readonly reason: string;
}

export const accepted: readonly AcceptedFault[] = [
  ...acceptedInAuth,
  ...acceptedInGc,
  ...acceptedInHosted,
  ...acceptedInObjects,
  ...acceptedInProxy,
  ...acceptedInRules,
  ...acceptedInStorage,
  ...acceptedInUpstreams,
];
