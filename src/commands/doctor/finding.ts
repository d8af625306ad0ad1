/** What a look at one thing has found, and what to do about it. */
import { reasonOf } from '../../config/system-reasons.ts';
import { StoreAbsent } from '../../storage/store-identity.ts';
import type { Row } from '../remote/api-client.ts';

export interface Finding extends Row {
  /** What was looked at. */
  readonly part: string;
  /** A fault keeps the server from working as configured; of a warning it may not be aware. */
  readonly state: 'ok' | 'warning' | 'fault';
  readonly found: string;
  /** Empty where nothing is to be done. */
  readonly mend: string;
}

export function ok(part: string, found: string): Finding {
  return { part, state: 'ok', found, mend: '' };
}

export function warning(part: string, found: string, mend: string): Finding {
  return { part, state: 'warning', found, mend };
}

export function fault(part: string, found: string, mend: string): Finding {
  return { part, state: 'fault', found, mend };
}

/** What a look finds, or why it could not look. @param mend where it throws */
export async function findings(
  part: string,
  mend: string,
  look: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [fault(part, error instanceof StoreAbsent ? error.reason : reasonOf(error), mend)];
  }
}
