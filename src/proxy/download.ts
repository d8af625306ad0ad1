/**
 * The bytes of one blob from the first place that has it. A transfer that breaks is resumed where it stopped, at the same
 * place by Range, and when that place gives up, at the next: content is addressed, so any place's bytes continue any other's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { OpenedBlob } from '../upstreams/upstream.ts';
import type { FillObserver } from './fill-observer.ts';
import type { Place } from './place.ts';
import { type Answer, answerOf, refusalOf } from './refusal.ts';

const maxResumes = 5;
const firstPauseMs = 100;

export interface DownloadTools {
  readonly log: Log;
  readonly observer: FillObserver;
}

export class Download {
  readonly #tools: DownloadTools;
  readonly #digest: Digest;
  readonly #places: readonly Place[];
  readonly #last: number | undefined;
  readonly #signal: AbortSignal;
  readonly #answers: Answer[];
  #place: Place;
  #opened: OpenedBlob;
  #position: number;
  #resumes = 0;

  private constructor(
    tools: DownloadTools,
    digest: Digest,
    found: { places: readonly Place[]; place: Place; opened: OpenedBlob; answers: Answer[] },
    range: { start: number; last: number | undefined },
    signal: AbortSignal,
  ) {
    this.#tools = tools;
    this.#digest = digest;
    this.#places = found.places;
    this.#place = found.place;
    this.#opened = found.opened;
    this.#answers = found.answers;
    this.#position = range.start;
    this.#last = range.last;
    this.#signal = signal;
    this.size = found.opened.size;
  }

  /** Of the whole blob, in bytes; undefined where the upstream does not say. */
  readonly size: number | undefined;

  /** The place that answers now. */
  get place(): Place {
    return this.#place;
  }

  /**
   * Resolves as soon as a place has answered.
   * @param range first byte, and last byte where only a part is wanted
   * @throws OciError saying what each place answered
   */
  static async open(
    tools: DownloadTools,
    digest: Digest,
    places: readonly Place[],
    range: { start: number; last?: number | undefined },
    signal: AbortSignal,
  ): Promise<Download> {
    const answers: Answer[] = [];
    const wanted = { start: range.start, last: range.last };
    for (const place of places) {
      try {
        const opened = await place.upstream.openBlob(place.repository, digest, wanted, signal);
        return new Download(tools, digest, { places, place, opened, answers }, wanted, signal);
      } catch (error) {
        answers.push(answerOf(place, error));
      }
    }
    throw refusalOf('BLOB_UNKNOWN', `blob ${digest}`, answers);
  }

  /** Of no use to anybody. */
  close(): void {
    this.#opened.close();
  }

  /** Every byte of the range once, in order. @throws OciError when no place can continue */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        try {
          yield* this.#transfer();
          return;
        } catch (error) {
          this.#answers.push(answerOf(this.#place, error));
          await this.#resume();
        }
      }
    } finally {
      this.#opened.close();
    }
  }

  async *#transfer(): AsyncGenerator<Buffer, void, undefined> {
    const end = this.#last === undefined ? this.size : this.#last + 1;
    let skip = this.#position - this.#opened.start;
    for await (const received of this.#opened.body) {
      const chunk = skip === 0 ? received : received.subarray(Math.min(skip, received.length));
      skip -= received.length - chunk.length;
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

  /** Opens the rest at this place, or at the next ones. @throws OciError when none is left */
  async #resume(): Promise<void> {
    this.#opened.close();
    let index = this.#places.indexOf(this.#place);
    let place: Place | undefined = this.#place;
    while (place) {
      const error: OutboundError | undefined = this.#answers.at(-1)?.error;
      const mayRecover = error?.kind === 'unavailable' && place === this.#place;
      if (mayRecover && this.#resumes < maxResumes) {
        await sleep(firstPauseMs * 2 ** this.#resumes, undefined, { signal: this.#signal });
        this.#resumes += 1;
      } else {
        index += 1;
        place = this.#places[index];
        if (!place) break;
      }
      try {
        await this.#reopen(place);
        return;
      } catch (failure) {
        this.#answers.push(answerOf(place, failure));
      }
    }
    throw refusalOf(
      'BLOB_UNKNOWN',
      `the rest of blob ${this.#digest}, which broke off after ${this.#position} bytes,`,
      this.#answers,
    );
  }

  async #reopen(place: Place): Promise<void> {
    const range = { start: this.#position, last: this.#last };
    const opened = await place.upstream.openBlob(place.repository, this.#digest, range, this.#signal);
    if (this.size !== undefined && opened.size !== undefined && opened.size !== this.size) {
      opened.close();
      throw new OutboundError('invalid', `says the blob has ${opened.size} bytes and not ${this.size}`);
    }
    this.#tools.observer.resumed();
    this.#tools.log.warn(
      { upstream: place.upstream.settings.name, digest: this.#digest, position: this.#position },
      'transfer resumed',
    );
    if (place !== this.#place) this.#resumes = 0;
    this.#place = place;
    this.#opened = opened;
  }
}
