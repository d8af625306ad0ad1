import type { Log } from '../observe/log.ts';
import { UnavailableError } from '../oci/unavailable.ts';

/** What the server could not answer, for those who run it; nothing where the fault is the client's. */
export function logFault(log: Log, error: unknown, isBug: boolean): void {
  if (error instanceof UnavailableError) log.error({ err: error }, 'a request could not be answered');
  else if (isBug) log.error({ err: error }, 'a request failed unexpectedly');
}
