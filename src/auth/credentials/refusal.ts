/** Why credentials were not believed. The reasons are told apart since each has another remedy. */
export type RefusalReason = 'unknown' | 'expired' | 'revoked' | 'blocked' | 'throttled';

export interface Refusal {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  /** What exactly is wrong, for the log: whoever comes is told the reason alone. */
  readonly cause?: string;
  /** When to try again, where they are throttled. */
  readonly retryAfterSeconds?: number;
}

export function refuse(reason: Exclude<RefusalReason, 'throttled'>, cause?: string): Refusal {
  return { kind: 'refused', reason, ...(cause !== undefined && { cause }) };
}

const descriptions: Record<RefusalReason, string> = {
  unknown: 'the username, password or token is wrong',
  expired: 'the token has expired',
  revoked: 'the token was revoked',
  blocked: 'the account is blocked',
  throttled: 'too many failed attempts; try again later',
};

/** The reason in a sentence for people. */
export function describeRefusal({ reason }: Refusal): string {
  return descriptions[reason];
}
