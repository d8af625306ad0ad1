/**
 * What fails for the same reason again and again is said once a minute, with how often it was not said meanwhile: a database that is away
 * must not fill the disk with lines.
 */
import { UnavailableError } from '../oci/unavailable.ts';

const silenceMs = 60_000;
const maxCauses = 5;

/** @param again how often it was not said since it was last said; undefined: never */
export type Say = (again: number | undefined) => void;

export class RepeatedFaults {
  /** By fault, which are few: messages of ours, and codes. */
  readonly #unsaid = new Map<string, { count: number; say: Say }>();

  /** Says it now, or within a minute. */
  say(fault: string, say: Say): void {
    const unsaid = this.#unsaid.get(fault);
    if (unsaid) {
      unsaid.count += 1;
      unsaid.say = say;
    } else {
      say(undefined);
      this.#stayQuiet(fault, say);
    }
  }

  /** Says at once what is to be said. */
  flush(): void {
    for (const { count, say } of this.#unsaid.values()) if (count > 0) say(count);
    this.#unsaid.clear();
  }

  #stayQuiet(fault: string, say: Say): void {
    const unsaid = { count: 0, say };
    this.#unsaid.set(fault, unsaid);
    setTimeout(() => {
      if (this.#unsaid.get(fault) !== unsaid) return;
      this.#unsaid.delete(fault);
      if (unsaid.count === 0) return;
      unsaid.say(unsaid.count);
      this.#stayQuiet(fault, unsaid.say);
    }, silenceMs).unref();
  }
}

/** What repeats itself: something that the server stands on is not to be had, or the system refuses. Undefined for all else, bugs among it. */
export function faultOf(error: unknown): string | undefined {
  let cause = error;
  for (let depth = 0; depth < maxCauses && cause instanceof Error; depth += 1) {
    if (cause instanceof UnavailableError) return cause.message;
    if ('code' in cause && typeof cause.code === 'string' && 'syscall' in cause) return cause.code;
    cause = cause.cause;
  }
  return undefined;
}
