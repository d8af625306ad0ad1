/**
 * What lets images in: the policies, asked one after the other once it is known which manifest a pull would get. A blob is of no use without
 * its manifest, so the manifest is the gate.
 */
import type { Log } from '../observe/log.ts';
import { OciError } from '../oci/errors.ts';
import {
  type AdmissionPolicy,
  describeImage,
  type ImagePlace,
  type JudgedImage,
} from './admission-policy.ts';
import type { PolicyName, Verdict, VerdictKind } from './verdict.ts';

/** What metrics learn. */
export interface AdmissionObserver {
  judged(policy: PolicyName, verdict: VerdictKind): void;
}

export interface AdmissionOptions {
  /** In the order in which they are asked. */
  readonly policies: readonly AdmissionPolicy[];
  readonly observer: AdmissionObserver;
  readonly log: Log;
}

/** A policy keeps the image out. Nobody else is asked for it: what is refused here is not to be had elsewhere. */
export class ImageRefused extends OciError {
  readonly verdict: Verdict;

  constructor(verdict: Verdict) {
    super('DENIED', { detail: verdict.reason });
    this.verdict = verdict;
  }
}

export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * @returns what clients are warned of; undefined: of nothing
   * @throws ImageRefused by the first policy that refuses it; what a policy throws
   */
  async admit(image: JudgedImage, signal?: AbortSignal): Promise<readonly string[] | undefined> {
    const { policies, observer, log } = this.#options;
    const warnings: string[] = [];
    for (const policy of policies) {
      if (!(await policy.isOn(image.place))) continue;
      const verdict = await policy.judge(image, signal);
      const { kind, reason } = verdict;
      observer.judged(policy.name, kind);
      if (kind === 'admitted') continue;
      log.warn(
        { policy: policy.name, ...describeImage(image), reason },
        kind === 'refused' ? 'an image was kept out' : 'an image was let in that a policy is against',
      );
      if (kind === 'refused') throw new ImageRefused(verdict);
      warnings.push(reason);
    }
    return warnings.length > 0 ? warnings : undefined;
  }

  /** What each policy that has a say would do, whatever the others do. Nothing is counted. @throws what a policy throws */
  async explain(
    place: ImagePlace,
    find: () => Promise<Omit<JudgedImage, 'place'>>,
    signal?: AbortSignal,
  ): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = [];
    for (const policy of this.#options.policies)
      if (await policy.isOn(place)) verdicts.push(await policy.judge({ ...(await find()), place }, signal));
    return verdicts;
  }
}
