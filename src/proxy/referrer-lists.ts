/**
 * The referrers of a digest, kept as an entry like a manifest, so that they outlive their upstream. Asked of the upstreams
 * that gave the subject, else of all in their order; the first that knows any wins.
 */
import { SingleFlight } from '../concurrency/single-flight.ts';
import type { CacheEntries } from '../metadata/cached/cache-entries.ts';
import type { CacheEntry } from '../metadata/cached/cache-entry.ts';
import type { Manifests } from '../metadata/content/manifests.ts';
import type { Log } from '../observe/log.ts';
import { type Digest, digestOf, parseDigest } from '../oci/digest.ts';
import { ociIndex } from '../oci/media-types.ts';
import type { ReferrerDescriptor, ReferrersAnswer } from '../oci/repository.ts';
import { type Answer, answerOf, refusalOf } from './refusal.ts';
import { RefusedLists } from './refused-lists.ts';
import { entrySource, isRecordOf, keyOfSource, type Source } from './source.ts';

export interface ReferrerListOptions {
  readonly entries: Pick<CacheEntries, 'listAt' | 'listByDigest' | 'saveManifest'>;
  readonly manifests: Pick<Manifests, 'findPayload'>;
  readonly ttlMs: number;
  readonly log: Log;
  readonly now: () => number;
}

export class ReferrerLists {
  readonly #options: ReferrerListOptions;
  readonly #refused: RefusedLists;
  readonly #flights = new SingleFlight<ReferrersAnswer>();

  constructor(options: ReferrerListOptions) {
    this.#options = options;
    this.#refused = new RefusedLists(options.ttlMs, options.now);
  }

  /**
   * @param key of the registry and image
   * @throws OciError UNAVAILABLE or TOOMANYREQUESTS where nobody answered and nothing is known
   */
  async list(
    key: string,
    sources: readonly Source[],
    subject: Digest,
    signal?: AbortSignal,
  ): Promise<ReferrersAnswer> {
    const resolve = (unwanted: AbortSignal) => this.#resolve(sources, subject, unwanted);
    const { outcome, joined } = this.#flights.run(`${key}@${subject}`, resolve, signal);
    const answer = await outcome;
    return joined && answer.outcome === 'miss' ? { ...answer, outcome: 'collapsed' } : answer;
  }

  async #resolve(sources: readonly Source[], subject: Digest, signal: AbortSignal): Promise<ReferrersAnswer> {
    const { entries, ttlMs, now } = this.#options;
    const at = sources.map(entrySource);
    const [entry] = await entries.listAt(at, 'referrers', subject);
    if (entry && now() < entry.checkedAt + ttlMs) return this.#known(entry, 'hit');
    const owners = await entries.listByDigest(at, 'manifest', subject);
    const isOwner = (source: Source) => owners.some((owner) => isRecordOf(owner, source));
    const asked = sources.some(isOwner) ? sources.filter(isOwner) : sources;
    const answers: Answer[] = [];
    let empty: Source | undefined;
    for (const source of asked) {
      try {
        const descriptors = await this.#refused.get(`${keyOfSource(source)} ${subject}`, () =>
          source.upstream.listReferrers(source.repository, subject, signal),
        );
        if (descriptors.length > 0) return await this.#keep(source, subject, descriptors, entry);
        empty ??= source;
      } catch (error) {
        answers.push(answerOf(source, error));
      }
    }
    if (empty && answers.length === 0) return this.#keep(empty, subject, [], entry);
    if (entry) return this.#known(entry, 'stale');
    if (answers.every(({ error }) => error.kind === 'not-found' || error.kind === 'unauthorized'))
      return { descriptors: [], outcome: 'miss' };
    throw refusalOf('MANIFEST_UNKNOWN', `the list of referrers of ${subject}`, answers);
  }

  async #known(entry: CacheEntry, outcome: 'hit' | 'stale'): Promise<ReferrersAnswer> {
    const payload = await this.#options.manifests.findPayload(entry.digest);
    return { descriptors: payload ? parseList(payload) : [], outcome };
  }

  async #keep(
    source: Source,
    subject: Digest,
    descriptors: readonly ReferrerDescriptor[],
    known: CacheEntry | undefined,
  ): Promise<ReferrersAnswer> {
    const payload = Buffer.from(JSON.stringify(descriptors));
    const digest = digestOf(payload);
    const entry = {
      ...entrySource(source),
      groupId: source.groupId,
      kind: 'referrers' as const,
      reference: subject,
    };
    await this.#options.entries
      .saveManifest(
        { ...entry, digest, mediaType: ociIndex, etag: undefined, checkedAt: this.#options.now() },
        payload,
        [],
      )
      .catch((error: unknown) => this.#options.log.error({ err: error, subject }, 'referrers not recorded'));
    return { descriptors, outcome: known ? (known.digest === digest ? 'revalidated' : 'updated') : 'miss' };
  }
}

/** What {@link ReferrerLists} itself wrote. */
function parseList(payload: Buffer): ReferrerDescriptor[] {
  const list: ReferrerDescriptor[] = JSON.parse(payload.toString());
  return list.map((descriptor) => ({ ...descriptor, digest: parseDigest(descriptor.digest) }));
}
