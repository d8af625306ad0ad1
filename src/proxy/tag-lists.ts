/**
 * The tags of one repository: those of all its sources together, because a pull finds any of them. Believed briefly; where an
 * upstream fails, what it said last or else the tags that are cached from it.
 */
import { LRUCache } from 'lru-cache';
import { SingleFlight } from '../concurrency/single-flight.ts';
import type { CacheEntries } from '../metadata/cached/cache-entries.ts';
import type { Log } from '../observe/log.ts';
import { isTag, type Tag } from '../oci/reference.ts';
import type { Outcome, PageRequest, TagsAnswer } from '../oci/repository.ts';
import { type Answer, answerOf, refusalOf } from './refusal.ts';
import { RefusedLists } from './refused-lists.ts';
import { entrySource, keyOfSource, type Source } from './source.ts';
import { mergedPage } from './tag-page.ts';

/** In all lists together: some tens of megabytes. */
const tagsRemembered = 500_000;

export interface TagListOptions {
  readonly entries: Pick<CacheEntries, 'listTags'>;
  readonly ttlMs: number;
  readonly log: Log;
  readonly now: () => number;
}

/** All tags of one source. */
interface KnownTags {
  readonly tags: readonly Tag[];
  readonly outcome: Outcome;
}

/** Or why there are none. */
type Listed = KnownTags | { readonly answer: Answer };

/** What a merged list is worth: no more than its parts, and these are the least. */
const least: readonly Outcome[] = ['stale', 'miss'];

interface Remembered {
  readonly tags: readonly Tag[];
  /** Epoch milliseconds. */
  readonly at: number;
}

export class TagLists {
  readonly #options: TagListOptions;
  readonly #flights = new SingleFlight<Listed>();
  readonly #refused: RefusedLists;
  readonly #remembered = new LRUCache<string, Remembered>({
    maxSize: tagsRemembered,
    sizeCalculation: ({ tags }) => tags.length + 1,
  });

  constructor(options: TagListOptions) {
    this.#options = options;
    this.#refused = new RefusedLists(options.ttlMs, options.now);
  }

  /** @throws OciError NAME_UNKNOWN, UNAVAILABLE, TOOMANYREQUESTS */
  async list(sources: readonly Source[], page: PageRequest, signal?: AbortSignal): Promise<TagsAnswer> {
    const results = await Promise.all(sources.map((source) => this.#listAt(source, signal)));
    const lists: KnownTags[] = [];
    const answers: Answer[] = [];
    for (const result of results) {
      if ('answer' in result) answers.push(result.answer);
      else lists.push(result);
    }
    if (lists.length === 0) throw refusalOf('NAME_UNKNOWN', 'the list of tags', answers);
    return {
      ...mergedPage(lists, page),
      outcome: least.find((outcome) => lists.some((list) => list.outcome === outcome)) ?? 'hit',
    };
  }

  #listAt(source: Source, signal: AbortSignal | undefined): Promise<Listed> {
    const key = keyOfSource(source);
    const known = this.#remembered.get(key);
    if (known && this.#options.now() < known.at + this.#options.ttlMs)
      return Promise.resolve({ tags: known.tags, outcome: 'hit' });
    const ask = async (unwanted: AbortSignal): Promise<Listed> => {
      try {
        const tags = await this.#refused.get(key, () =>
          source.upstream.listTags(source.repository, unwanted),
        );
        this.#remembered.set(key, { tags, at: this.#options.now() });
        return { tags, outcome: 'miss' };
      } catch (error) {
        return this.#withoutUpstream(source, known, answerOf(source, error));
      }
    };
    return this.#flights.run(key, ask, signal).outcome;
  }

  async #withoutUpstream(source: Source, known: Remembered | undefined, answer: Answer): Promise<Listed> {
    if (answer.error.kind === 'not-found') return { answer };
    const cached = known?.tags ?? (await this.#options.entries.listTags([entrySource(source)])).filter(isTag);
    if (cached.length === 0) return { answer };
    const upstream = source.upstream.settings.name;
    this.#options.log.warn(
      { upstream, repository: source.repository, reason: answer.error.message },
      'serving known tags',
    );
    return { tags: cached, outcome: 'stale' };
  }
}
