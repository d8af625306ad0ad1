/** A registry that speaks the API, asked by the rules that hold for upstreams, and patiently: an import may take days. */
import type { Digest } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import { parseRepositoryName, type RepositoryName, type Tag } from '../../oci/reference.ts';
import { BlockedAddressError } from '../../outbound/address-guard.ts';
import { OutboundError } from '../../outbound/outbound-error.ts';
import { Download, type DownloadTools } from '../../proxy/download.ts';
import type { Upstream } from '../../upstreams/upstream.ts';
import { CommandRefused } from '../command.ts';
import { type ImportSource, type SourceBlob, SourceFault, type SourceRepository } from './import-source.ts';

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

export class RemoteRegistry implements ImportSource {
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
    return new RemoteRepository(this.#options, parseRepositoryName(name), (ask) => this.#patiently(ask));
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
type Patience = <T>(ask: () => Promise<T>) => Promise<T>;

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

class RemoteRepository implements SourceRepository {
  readonly #options: RemoteRegistryOptions;
  readonly #name: RepositoryName;
  readonly #patiently: Patience;

  constructor(options: RemoteRegistryOptions, name: RepositoryName, patiently: Patience) {
    this.#options = options;
    this.#name = name;
    this.#patiently = patiently;
  }

  listTags(): Promise<readonly Tag[]> {
    return this.#ask('the tags', (upstream) => upstream.listTags(this.#name));
  }

  /** By HEAD, which costs nothing where pulls are counted. */
  async findTag(tag: Tag): Promise<Digest> {
    const what = `the tag ${tag}`;
    const head = await this.#ask(what, (upstream) => upstream.headManifest(this.#name, tag));
    if (head.digest !== undefined) return head.digest;
    return (await this.#ask(what, (upstream) => upstream.getManifest(this.#name, tag))).digest;
  }

  /** The API lists tags alone. */
  async *listManifests(): AsyncGenerator<Digest, void, undefined> {}

  async getManifest(digest: Digest): Promise<Buffer> {
    const ask = (upstream: Upstream) => upstream.getManifest(this.#name, digest);
    return (await this.#ask(`the manifest ${digest}`, ask)).payload;
  }

  async listReferrers(subject: Digest): Promise<readonly Digest[]> {
    const ask = (upstream: Upstream) => upstream.listReferrers(this.#name, subject);
    return (await this.#ask(`the referrers of ${subject}`, ask)).map(({ digest }) => digest);
  }

  async demandBlob(digest: Digest): Promise<void> {
    await this.#ask(`the blob ${digest}`, (upstream) => upstream.headBlob(this.#name, digest));
  }

  async openBlob(digest: Digest): Promise<SourceBlob> {
    const { tools } = this.#options;
    const download = await this.#ask(`the blob ${digest}`, (upstream) => {
      const source = { groupId: 0, upstream, repository: this.#name };
      return Download.open(tools, digest, [source], { start: 0 }, never);
    });
    return { size: download.size, file: undefined, read: () => download.chunks() };
  }

  /** @param what is asked for, for people. @throws SourceFault where it is not given */
  async #ask<T>(what: string, ask: (upstream: Upstream) => Promise<T>): Promise<T> {
    const { upstream } = this.#options;
    try {
      return await this.#patiently(() => ask(upstream));
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      const isAbsent = error.kind === 'not-found';
      throw new SourceFault(`${what}: ${upstream.host} ${error.message}`, { isAbsent, cause: error });
    }
  }
}
