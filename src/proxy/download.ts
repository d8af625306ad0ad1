/**
 * The bytes of one blob from the first source that has it. A transfer that breaks is resumed where it stopped, at the same
 * source by Range, and when that source gives up, at the next: content is addressed, so any source's bytes continue any other's.
 */
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { BlobRange, OpenedBlob } from '../upstreams/upstream.ts';
import type { FillObserver } from './fill-observer.ts';
import { type Answer, answerOf, refusalOf } from './refusal.ts';
import { PeerFill } from './shared/peer-fill.ts';
import type { Source } from './source.ts';

const maxResumes = 5;
const firstPauseMs = 100;

/** An upstream, or a process that asks one. */
export type BlobSource = Source | PeerFill;

export interface DownloadTools {
  readonly log: Log;
  readonly observer: FillObserver;
  /** Before a transfer is taken up again at the same source. @throws the signal's reason */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

export class Download {
  readonly #tools: DownloadTools;
  readonly #digest: Digest;
  /** In the order they are asked. */
  readonly #sources: readonly BlobSource[];
  readonly #last: number | undefined;
  readonly #signal: AbortSignal;
  readonly #answers: Answer[];
  #source: BlobSource;
  #opened: OpenedBlob;
  /** Of the whole blob, in bytes, as far as anybody says. */
  readonly #expected: number | undefined;
  #position: number;
  #resumes = 0;
  #isClosed = false;

  private constructor(
    tools: DownloadTools,
    digest: Digest,
    found: { sources: readonly BlobSource[]; source: BlobSource; opened: OpenedBlob; answers: Answer[] },
    range: BlobRange,
    signal: AbortSignal,
  ) {
    this.#tools = tools;
    this.#digest = digest;
    this.#sources = found.sources;
    this.#source = found.source;
    this.#opened = found.opened;
    this.#answers = found.answers;
    this.#position = range.start;
    this.#last = range.last;
    this.#signal = signal;
    this.size = found.opened.size;
    this.#expected = this.size ?? range.size;
  }

  /** Of the whole blob, in bytes; undefined where the upstream does not say. */
  readonly size: number | undefined;

  /** Where the bytes come from now. */
  get source(): BlobSource {
    return this.#source;
  }

  /**
   * Resolves as soon as a source has answered.
   * @param peer asked before the sources
   * @throws OciError saying what each source answered
   */
  static async open(
    tools: DownloadTools,
    digest: Digest,
    sources: readonly Source[],
    range: BlobRange,
    signal: AbortSignal,
    peer?: PeerFill,
  ): Promise<Download> {
    const all: readonly BlobSource[] = peer ? [peer, ...sources] : sources;
    const answers: Answer[] = [];
    for (const source of all) {
      try {
        const opened = await openAt(source, digest, range, signal);
        return new Download(tools, digest, { sources: all, source, opened, answers }, range, signal);
      } catch (error) {
        noteAnswer(answers, source, error);
      }
    }
    throw refusalOf('BLOB_UNKNOWN', `blob ${digest}`, answers);
  }

  /** Of no use to anybody, also while its bytes are waited for: nobody is asked for the rest. */
  close(): void {
    this.#isClosed = true;
    this.#opened.close();
  }

  /** Every byte of the range once, in order. @throws OciError when no source can continue */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        try {
          yield* this.#transfer();
          return;
        } catch (error) {
          if (this.#isClosed) throw error;
          const broken = noteAnswer(this.#answers, this.#source, error);
          if (broken.kind === 'unavailable' && this.#position === this.#end) return;
          await this.#resume(broken);
        }
      }
    } finally {
      this.#opened.close();
    }
  }

  /** Position after the last byte. */
  get #end(): number | undefined {
    return this.#last === undefined ? this.size : this.#last + 1;
  }

  async *#transfer(): AsyncGenerator<Buffer, void, undefined> {
    const end = this.#end;
    let skip = this.#position - this.#opened.start;
    for await (const received of this.#opened.body) {
      const chunk = received.subarray(skip);
      skip = Math.max(0, skip - received.length);
      if (chunk.length === 0) continue;
      if (end !== undefined && this.#position + chunk.length > end) {
        // A range that the upstream ignored ends with the part; anything else is too long.
        if (this.#last === undefined)
          throw new OutboundError('invalid', `sent more than the ${end} bytes it announced`);
        yield chunk.subarray(0, end - this.#position);
        this.#position = end;
        return;
      }
      this.#position += chunk.length;
      yield chunk;
    }
    if (end !== undefined && this.#position < end) {
      throw new OutboundError('unavailable', `ended after ${this.#position} of ${end} bytes`);
    }
  }

  /** Opens the rest at this source, or at the next ones. @throws OciError when none is left */
  async #resume(broken: OutboundError): Promise<void> {
    this.#opened.close();
    let refusal: OutboundError | undefined = broken;
    let isWhole = false;
    while (refusal?.kind === 'unavailable' && this.#resumes < maxResumes) {
      await this.#tools.pause(firstPauseMs * 2 ** this.#resumes, this.#signal);
      this.#resumes += 1;
      // One that answers with a failure may fail for parts alone: every other time it is asked for the whole.
      isWhole = refusal.status !== undefined && !isWhole;
      refusal = await this.#reopen(this.#source, isWhole);
    }
    if (!refusal) return;
    for (const source of this.#sources.slice(this.#sources.indexOf(this.#source) + 1))
      if (!(await this.#reopen(source))) return;
    throw refusalOf(
      'BLOB_UNKNOWN',
      `the rest of blob ${this.#digest}, which broke off after ${this.#position} bytes,`,
      this.#answers,
    );
  }

  /** @returns why it was not opened there */
  async #reopen(source: BlobSource, isWhole = false): Promise<OutboundError | undefined> {
    try {
      const size = this.#expected;
      const range = isWhole ? { start: 0, size } : { start: this.#position, last: this.#last, size };
      const opened = await openAt(source, this.#digest, range, this.#signal);
      if (this.size !== undefined && opened.size !== undefined && opened.size !== this.size) {
        opened.close();
        throw new OutboundError('invalid', `says the blob has ${opened.size} bytes and not ${this.size}`);
      }
      this.#opened = opened;
      if (this.#isClosed) opened.close();
    } catch (error) {
      return noteAnswer(this.#answers, source, error);
    }
    this.#tools.observer.resumed();
    this.#tools.log.warn(
      { upstream: nameOf(source), digest: this.#digest, position: this.#position },
      'transfer resumed',
    );
    if (source !== this.#source) this.#resumes = 0;
    this.#source = source;
    return undefined;
  }
}

export function nameOf(source: BlobSource): string {
  return source instanceof PeerFill ? source.name : source.upstream.settings.name;
}

function openAt(
  source: BlobSource,
  digest: Digest,
  range: BlobRange,
  signal: AbortSignal,
): Promise<OpenedBlob> {
  if (source instanceof PeerFill) return source.openBlob(range, signal);
  return source.upstream.openBlob(source.repository, digest, range, signal);
}

/** Clients hear of upstreams alone. @throws the error itself when it is no answer */
function noteAnswer(answers: Answer[], source: BlobSource, error: unknown): OutboundError {
  if (source instanceof PeerFill) {
    if (error instanceof OutboundError) return error;
    throw error;
  }
  const answer = answerOf(source, error);
  answers.push(answer);
  return answer.error;
}
