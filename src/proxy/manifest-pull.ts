/**
 * Manifests of one repository: hot, fresh, revalidated, from another upstream, or stale; in this order. Only what was let in is hot.
 */
import { type Admission, ImageRefused } from '../admission/admission.ts';
import type { ImageContent } from '../admission/admission-policy.ts';
import { isFresh } from '../cache/freshness.ts';
import type { HotContent, HotManifest } from '../cache/hot-content.ts';
import type { Usage } from '../cache/usage.ts';
import { SingleFlight } from '../concurrency/single-flight.ts';
import type { CacheEntries } from '../metadata/cached/cache-entries.ts';
import type { Manifests } from '../metadata/content/manifests.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { isDigestReference, type Reference } from '../oci/reference.ts';
import type { ManifestAnswer, Outcome } from '../oci/repository.ts';
import { type ManifestFetch, type PulledManifest, recordedTypeOf } from './manifest-fetch.ts';
import { type Answer, answerOf, refusalOf } from './refusal.ts';
import type { Revalidation } from './revalidation.ts';
import { entrySource, isRecordOf, placeOf, type Source } from './source.ts';
import { type WalkTools, walk } from './walk.ts';

export interface ManifestPullTools extends WalkTools {
  readonly entries: Pick<CacheEntries, 'listAt' | 'listByDigest' | 'listOwners' | 'remove'>;
  readonly manifests: Pick<Manifests, 'findPayload'>;
  readonly hot: Pick<HotContent, 'findManifest' | 'keep'>;
  readonly revalidation: Revalidation;
  readonly fetch: ManifestFetch;
  readonly usage: Usage;
  readonly admission: Pick<Admission, 'admit'>;
  readonly now: () => number;
}

/** The repository that is pulled from. */
export interface PulledRepository {
  /** Of the registry and image, for what is hot and shared. */
  readonly key: string;
  readonly registryId: number;
  /** @throws OciError NAME_UNKNOWN */
  readonly sources: () => readonly Source[];
  readonly content: ImageContent;
}

interface Resolved {
  readonly hot: HotManifest;
  readonly source: Source;
  readonly outcome: Outcome;
}

export class ManifestPull {
  readonly #tools: ManifestPullTools;
  readonly #flights = new SingleFlight<Resolved>();

  constructor(tools: ManifestPullTools) {
    this.#tools = tools;
  }

  /** What is answered without waiting, counted as {@link manifest} counts it; undefined where something has to be waited for. */
  hot(key: string, reference: Reference, isPull: boolean): ManifestAnswer | undefined {
    const { hot, usage, now } = this.#tools;
    const warm = hot.findManifest(`${key}:${reference}`);
    if (!warm) return undefined;
    if (!isDigestReference(reference) && !isFresh(warm.checkedAt, warm.validityHours, now()))
      return undefined;
    if (isPull) usage.count(warm.entryId);
    return answer(warm, 'hit');
  }

  /**
   * @param isPull whether it counts as a download
   * @throws OciError MANIFEST_UNKNOWN, UNAVAILABLE, TOOMANYREQUESTS; ImageRefused
   */
  async manifest(
    repository: PulledRepository,
    reference: Reference,
    isPull: boolean,
    signal: AbortSignal | undefined,
  ): Promise<ManifestAnswer> {
    const { key } = repository;
    const warm = this.hot(key, reference, isPull);
    if (warm) return warm;
    const { hot, usage } = this.#tools;
    const name = `${key}:${reference}`;
    const resolve = async (unwanted: AbortSignal) => {
      const resolved = await this.#resolve(repository.sources(), reference, unwanted);
      return this.#admitted(repository, reference, resolved, unwanted);
    };
    const { outcome, joined } = this.#flights.run(name, resolve, signal);
    const resolved = await outcome;
    if (resolved.hot.entryId !== unrecorded) {
      if (isPull) usage.count(resolved.hot.entryId);
      hot.keep(name, resolved.hot);
    }
    return answer(resolved.hot, joined && resolved.outcome === 'miss' ? 'collapsed' : resolved.outcome);
  }

  /** As {@link manifest}, whoever may pull it, and counted as no download. */
  async unjudged(
    { sources }: Pick<PulledRepository, 'sources'>,
    reference: Reference,
    signal = new AbortController().signal,
  ): Promise<ManifestAnswer> {
    const { hot, outcome } = await this.#resolve(sources(), reference, signal);
    return answer(hot, outcome);
  }

  /** With what the client is warned of. A tag that is refused may be answered with an older image. @throws ImageRefused */
  async #admitted(
    repository: PulledRepository,
    reference: Reference,
    resolved: Resolved,
    signal: AbortSignal,
  ): Promise<Resolved> {
    try {
      return await this.#admit(repository, reference, resolved, signal);
    } catch (error) {
      if (!(error instanceof ImageRefused)) throw error;
      const { older = [], reason } = error.verdict;
      const { checkedAt, validityHours } = resolved.hot;
      for (const digest of older) {
        const found = await this.#resolve([resolved.source], digest, signal).catch(unlessOciError);
        const admitted =
          found && (await this.#admit(repository, reference, found, signal).catch(unlessOciError));
        if (!admitted) continue;
        const warnings = [`answered with the older ${digest}: ${reason}`, ...(admitted.hot.warnings ?? [])];
        return { ...admitted, hot: { ...admitted.hot, checkedAt, validityHours, warnings } };
      }
      throw error;
    }
  }

  async #admit(
    { registryId, content }: PulledRepository,
    reference: Reference,
    { hot, source, outcome }: Resolved,
    signal: AbortSignal,
  ): Promise<Resolved> {
    const place = placeOf(registryId, source);
    const warnings = await this.#tools.admission.admit({ ...hot, place, reference, content }, signal);
    return { source, outcome, hot: { ...hot, warnings } };
  }

  async #resolve(sources: readonly Source[], reference: Reference, signal: AbortSignal): Promise<Resolved> {
    const answers: Answer[] = [];
    const cached = await this.#cached(sources, reference, answers, signal);
    if (cached && cached.outcome !== 'stale') return cached;
    if (cached && !answers.some((each) => each.error.kind === 'unauthorized')) return cached;
    const owned = isDigestReference(reference)
      ? await this.#fromOwner(sources, reference, answers, signal)
      : undefined;
    if (owned) return owned;
    const rest = sources.filter((source) => !answers.some((each) => each.source === source));
    const walked = await walk(rest, reference, this.#tools, signal);
    if (walked.found)
      return resolvedOf(walked.found.manifest, walked.found.source, 'miss', this.#tools.now());
    if (cached) return cached;
    throw refusalOf('MANIFEST_UNKNOWN', `manifest '${reference}'`, [...answers, ...walked.answers]);
  }

  /**
   * The best of what is here. Digests never change, so any entry with that content will do; a tag's entries are tried
   * in the order of their upstreams. A stale answer gives way to another upstream's where one refused us.
   */
  async #cached(
    sources: readonly Source[],
    reference: Reference,
    answers: Answer[],
    signal: AbortSignal,
  ): Promise<Resolved | undefined> {
    const { entries, revalidation, now } = this.#tools;
    const at = sources.map(entrySource);
    const isDigest = isDigestReference(reference);
    const found = isDigest
      ? await entries.listByDigest(at, 'manifest', reference)
      : await entries.listAt(at, 'manifest', reference);
    let fallback: Resolved | undefined;
    for (const source of sources) {
      const entry = found.find((each) => isRecordOf(each, source));
      const payload = entry && (await this.#tools.manifests.findPayload(entry.digest));
      if (!entry || !payload) continue;
      const mediaType = recordedTypeOf(entry.mediaType, payload);
      const here = { digest: entry.digest, mediaType, payload, entry };
      const { cacheValidityHours } = source.upstream.settings;
      if (isDigest || isFresh(entry.checkedAt, cacheValidityHours, now()))
        return resolvedOf(here, source, 'hit', entry.checkedAt);
      const result = await revalidation.run(entry, source, reference, signal);
      if (result.state === 'revalidated') return resolvedOf(here, source, 'revalidated', result.checkedAt);
      if (result.state === 'updated') return resolvedOf(result.manifest, source, 'updated', now());
      if (result.state === 'stale') return resolvedOf(here, source, 'stale', entry.checkedAt);
      answers.push(result.answer);
      if (result.state === 'gone') await entries.remove(entry.id);
      else fallback ??= resolvedOf(here, source, 'stale', entry.checkedAt);
    }
    return fallback;
  }

  /** The children of an index come from where the index came from. */
  async #fromOwner(
    sources: readonly Source[],
    digest: Digest,
    answers: Answer[],
    signal: AbortSignal,
  ): Promise<Resolved | undefined> {
    const owners = await this.#tools.entries.listOwners(sources.map(entrySource), digest);
    for (const source of sources.filter((each) => owners.some((owner) => isRecordOf(owner.source, each)))) {
      try {
        const manifest = await this.#tools.fetch.fetch(source, digest, undefined, signal);
        return resolvedOf(manifest, source, 'miss', this.#tools.now());
      } catch (error) {
        answers.push(answerOf(source, error));
      }
    }
    return undefined;
  }
}

const unrecorded = -1;

function resolvedOf(manifest: PulledManifest, source: Source, outcome: Outcome, checkedAt: number): Resolved {
  const { digest, mediaType, payload, entry } = manifest;
  const validityHours = source.upstream.settings.cacheValidityHours;
  const entryId = entry?.id ?? unrecorded;
  return {
    outcome,
    source,
    hot: { entryId, digest, mediaType, payload, checkedAt, validityHours },
  };
}

function answer({ digest, mediaType, payload, warnings }: HotManifest, outcome: Outcome): ManifestAnswer {
  return { digest, mediaType, payload, outcome, warnings };
}

function unlessOciError(error: unknown): undefined {
  if (!(error instanceof OciError)) throw error;
  return undefined;
}
