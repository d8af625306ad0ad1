/** Wiring of what stands in front: rate limits, the throttle of passwords, and the audit of who came in and who was refused. */
import { noteDenials, notingDenials } from '../api/denials.ts';
import { RateLimits, type RestRateLimit } from '../api/rate-limits.ts';
import type { Access } from '../api/registry/services.ts';
import { LoginThrottle } from '../auth/credentials/login-throttle.ts';
import { RateCounter } from '../cache/rate-counter.ts';
import type { SharedCache } from '../cache/shared.ts';
import { AuditWriter } from '../management/acting/audit-writer.ts';
import { SignInAudit } from '../management/people/sign-in-audit.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';

export interface GuardOptions {
  /** Of one client, on virtual registries and on the rest of the REST API; 0 requests: no limit. */
  readonly rateLimits: { readonly requests: number; readonly seconds: number };
  readonly database: Database;
  readonly shared: Pick<SharedCache, 'counters'>;
  readonly log: Log;
  readonly now: () => number;
}

export interface Guards {
  /** For the authenticator. */
  readonly throttle: LoginThrottle;
  /** For the authenticator and the token service. */
  readonly signIns: SignInAudit;
  readonly rateLimit: RestRateLimit;
  /** Before the REST API. */
  readonly denials: ReturnType<typeof noteDenials>;
  /** What /v2 is given in the place of `access`. */
  around(access: Access): Access;
  /** Writes what is not written yet; before the database is closed. */
  close(): Promise<void>;
}

export function createGuards({ rateLimits, database, shared, log, now }: GuardOptions): Guards {
  const { requests, seconds } = rateLimits;
  const { counters } = shared;
  const counter = new RateCounter({ name: 'requests', windowMs: seconds * 1000, shared: counters, now });
  const limits = new RateLimits({ counter, requests, seconds, now });
  const throttle = new LoginThrottle(now, counters);
  const writer = new AuditWriter({ database, log, now });
  const signIns = new SignInAudit(writer);
  return {
    throttle,
    signIns,
    rateLimit: limits.rest,
    denials: noteDenials(signIns),
    around: (access) => limits.around(notingDenials(access, signIns)),
    async close() {
      counter.close();
      throttle.close();
      await writer.close();
    },
  };
}
