/** A registry that speaks the API, asked by the rules that hold for upstreams, and patiently: an import may take days. */
import { OciError } from '../../oci/errors.ts';
import { parseRepositoryName } from '../../oci/reference.ts';
import { BlockedAddressError } from '../../outbound/address-guard.ts';
import { OutboundError } from '../../outbound/outbound-error.ts';
import type { DownloadTools } from '../../proxy/download.ts';
import type { ImageSource, SourceRepository } from '../../replication/image-source.ts';
import { RemoteSource } from '../../replication/remote-source.ts';
import type { Upstream } from '../../upstreams/upstream.ts';
import { CommandRefused } from '../command.ts';

export interface RemoteRegistryOptions {
  readonly upstream: Upstream;
  readonly list: () => Promise<readonly string[]>;
  readonly tools: DownloadTools;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const maxTries = 6;
const firstPauseMs = 1000;
/** Nobody interrupts an import but by ending the process. */
const never = new AbortController().signal;

export class RemoteRegistry implements ImageSource {
  readonly #options: RemoteRegistryOptions;
  #isReached = false;

  constructor(options: RemoteRegistryOptions) {
    this.#options = options;
  }

  async listRepositories(): Promise<readonly string[]> {
    const { upstream, list } = this.#options;
    try {
      return await this.#patiently(list);
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      const { host } = upstream;
      const reason = `${host} does not say which repositories it has: it ${error.message}`;
      throw new CommandRefused(`${reason}. Name them by --repository, or log in by --username`, {
        cause: error,
      });
    }
  }

  open(name: string): SourceRepository {
    return new RemoteSource({
      ...this.#options,
      name: parseRepositoryName(name),
      ask: (ask) => this.#patiently(ask),
    });
  }

  /**
   * Waits for as long as the registry is not to be asked, and asks again where it failed.
   * @throws CommandRefused where it cannot be reached, or asks to come later, again and again
   */
  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    const { upstream, tools, now } = this.#options;
    for (let tries = 1; ; tries += 1) {
      await tools.pause(Math.max(0, (upstream.health().openUntil ?? 0) - now()), never);
      try {
        const answer = await ask();
        this.#isReached = true;
        return answer;
      } catch (error) {
        if (!isFailure(error)) throw error;
        const isLast = tries === maxTries || (isUnreachable(error) && !this.#isReached);
        if (isLast && isForThis(error)) throw error;
        if (isLast) throw this.#refusal(error);
        await tools.pause(Math.max(firstPauseMs * 2 ** (tries - 1), waitOf(error)), never);
      }
    }
  }

  #refusal(cause: Failure): CommandRefused {
    const isBlocked = cause.cause instanceof BlockedAddressError;
    const advice = isBlocked
      ? 'Here that is --private-network'
      : 'Run this again: it goes on where it was ended';
    return new CommandRefused(`${this.#options.upstream.host}: ${cause.message}. ${advice}`, { cause });
  }
}

type Failure = OutboundError | OciError;

/** What may be another time another way. */
function isFailure(error: unknown): error is Failure {
  if (error instanceof OutboundError) return error.kind === 'unavailable' || error.kind === 'rate-limited';
  return error instanceof OciError && (error.code === 'UNAVAILABLE' || error.code === 'TOOMANYREQUESTS');
}

function waitOf(error: Failure): number {
  if (error instanceof OutboundError) return error.retryAfterMs ?? 0;
  return Number(error.headers['Retry-After'] ?? 0) * 1000;
}

/** It may give everything else: it answered, or was too slow. */
function isForThis(error: Failure): boolean {
  if (error instanceof OciError) return error.code === 'UNAVAILABLE' && error.status !== 503;
  return error.kind === 'unavailable' && !error.unreachable;
}

/** One that never was reached is rather named wrongly than away for a while. */
function isUnreachable(error: Failure): boolean {
  return error instanceof OutboundError && error.unreachable;
}
