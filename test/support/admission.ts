import { Admission, type AdmissionOptions } from '../../src/admission/admission.ts';
import { silentLog } from './silent-log.ts';

/** What lets all images in, unless policies are given. */
export function admissionOf(options: Partial<AdmissionOptions> = {}): Admission {
  return new Admission({ policies: [], observer: { judged: () => undefined }, log: silentLog, ...options });
}
