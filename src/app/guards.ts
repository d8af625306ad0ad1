/** Wiring of what stands in front: rate limits, the throttle of passwords, and the audit of who came in and who was refused. */
import { noteDenials } from '../api/denial-notes.ts';
import { type RateLimit, RateLimits } from '../api/rate-limits.ts';
import { LoginThrottle } from '../auth/credentials/login-throttle.ts';
import { RateCounter } from '../cache/rate-counter.ts';
import type { SharedCache } from '../cache/shared.ts';
import { AuditWriter } from '../management/acting/audit-writer.ts';
import { SignInAudit } from '../management/people/sign-in-audit.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';

export interface GuardOptions {
  /** As of the configuration. */
  readonly rateLimits: { readonly requests: number; readonly pulls: number; readonly windowMs: number };
  readonly database: Database;
  readonly shared: Pick<SharedCache, 'counters'>;
  readonly log: Log;
  readonly now: () => number;
}

export interface Guards {
  /** For the authenticator. */
  readonly throttle: LoginThrottle;
  /** For the authenticator, the token service and /v2. */
  readonly signIns: SignInAudit;
  /** For the REST API. */
  readonly rateLimit: RateLimit;
  /** For /v2. */
  readonly registryRateLimit: RateLimit;
  readonly countsPull: RateLimits['countsPull'];
  /** Before the REST API. */
  readonly denials: ReturnType<typeof noteDenials>;
  /** Writes what is not written yet; before the database is closed. */
  close(): Promise<void>;
}

export function createGuards({ rateLimits, database, shared, log, now }: GuardOptions): Guards {
  const { windowMs, ...limited } = rateLimits;
  const { counters } = shared;
  const counter = new RateCounter({ name: 'requests', windowMs, shared: counters, now });
  const limits = new RateLimits({ counter, ...limited, seconds: windowMs / 1000, now });
  const throttle = new LoginThrottle(now, counters);
  const writer = new AuditWriter({ database, log, now });
  const signIns = new SignInAudit(writer);
  return {
    throttle,
    signIns,
    rateLimit: limits.rest,
    registryRateLimit: limits.registry,
    countsPull: limits.countsPull,
    denials: noteDenials(signIns),
    async close() {
      counter.close();
      throttle.close();
      await writer.close();
    },
  };
}
