/** What all recorded tokens have in common: an end, and when they were last used. */
import type { Log } from '../../observe/log.ts';
import { type Refusal, refuse } from '../credentials/refusal.ts';

const usePrecisionMs = 60_000;

interface Life {
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
}

/** Undefined: it is good. @param now epoch ms */
export function findFault({ expiresAt, revokedAt }: Life, now: number): Refusal | undefined {
  if (revokedAt !== undefined) return refuse('revoked');
  return expiresAt !== undefined && expiresAt <= now ? refuse('expired') : undefined;
}

export interface TokenUsesOptions {
  readonly records: { noteUse(id: number, at: number): Promise<void> };
  readonly log: Log;
  /** epoch ms */
  readonly now: () => number;
}

/** To the minute; a use that cannot be noted is still a use. */
export async function noteUse(
  { id, lastUsedAt }: { readonly id: number; readonly lastUsedAt: number | undefined },
  { records, log, now }: TokenUsesOptions,
): Promise<void> {
  if (lastUsedAt !== undefined && now() - lastUsedAt < usePrecisionMs) return;
  try {
    await records.noteUse(id, now());
  } catch (error) {
    log.warn({ err: error, tokenId: id }, 'the use of a token could not be noted');
  }
}
