/** Looks at what the server needs when somebody asks, and not more often than it is worth: writing wears disks. */
import { withinTime } from '../../concurrency/within-time.ts';
import type { Log } from '../../observe/log.ts';
import { UnavailableError } from '../../oci/unavailable.ts';

/** What a server does: answer pulls, and keep what is new. */
export type Duty = 'serving' | 'storing';

export interface Check {
  /** The duty that is not done without it; undefined: none, it is only reported. */
  readonly needed: Duty | undefined;
  /** Rejects where it is not to be had; strangers are told why where that is an UnavailableError. */
  run(): Promise<unknown>;
}

export interface CheckResult {
  readonly name: string;
  readonly needed: Duty | undefined;
  /** Why it failed, for strangers; undefined: it passed. */
  readonly reason: string | undefined;
}

export interface ReadinessOptions {
  readonly checks: Readonly<Record<string, Check>>;
  readonly log: Log;
  /** How long a check may take. */
  readonly timeoutMs?: number;
  /** How long a result is good for. */
  readonly keepMs?: Readonly<Record<Duty, number>>;
}

const defaultTimeoutMs = 5000;
const defaultKeepMs = { serving: 500, storing: 5000 };

export class Readiness {
  readonly #checks: readonly KeptCheck[];

  constructor({ checks, log, timeoutMs = defaultTimeoutMs, keepMs = defaultKeepMs }: ReadinessOptions) {
    this.#checks = Object.entries(checks).map(
      ([name, check]) =>
        new KeptCheck(name, check, { log, timeoutMs, keepMs: keepMs[check.needed ?? 'storing'] }),
    );
  }

  /** The results of all checks; strangers may ask for them as often as they like. */
  results(): Promise<readonly CheckResult[]> {
    return Promise.all(this.#checks.map((check) => check.result()));
  }
}

/** Whether all passed that the duty needs; whoever is to store has to serve as well. */
export function isReady(results: readonly CheckResult[], duty: Duty): boolean {
  return results.every(
    ({ needed, reason }) => reason === undefined || !(needed === 'serving' || needed === duty),
  );
}

class KeptCheck {
  readonly #name: string;
  readonly #check: Check;
  readonly #options: { readonly log: Log; readonly timeoutMs: number; readonly keepMs: number };
  #running: Promise<CheckResult> | undefined;
  #last: { readonly result: CheckResult; readonly endedAt: number } | undefined;

  constructor(
    name: string,
    check: Check,
    options: { readonly log: Log; readonly timeoutMs: number; readonly keepMs: number },
  ) {
    this.#name = name;
    this.#check = check;
    this.#options = options;
  }

  async result(): Promise<CheckResult> {
    if (this.#last && performance.now() - this.#last.endedAt < this.#options.keepMs) return this.#last.result;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<CheckResult> {
    const { log, timeoutMs } = this.#options;
    const { needed } = this.#check;
    let failure: unknown;
    let reason: string | undefined;
    try {
      await withinTime(this.#check.run(), timeoutMs, (message) => new UnavailableError(message));
    } catch (error) {
      failure = error;
      reason = error instanceof UnavailableError ? error.message : 'it failed: the log says why';
    }
    const before = this.#last?.result.reason;
    if (reason !== undefined && reason !== before) log.warn({ err: failure, check: this.#name }, 'not ready');
    if (reason === undefined && before !== undefined) log.info({ check: this.#name }, 'ready again');
    const result = { name: this.#name, needed, reason };
    this.#last = { result, endedAt: performance.now() };
    return result;
  }
}
