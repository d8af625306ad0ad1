/** How a pull would be answered now: the walk, shown without changing what is cached. */
import { isFresh } from '../cache/freshness.ts';
import type { CacheEntries } from '../metadata/cache-entries.ts';
import type { Digest } from '../oci/digest.ts';
import { isDigestReference, type Reference, type RepositoryName } from '../oci/reference.ts';
import { UpstreamError, type UpstreamErrorKind } from '../upstreams/errors.ts';
import type { BreakerState } from '../upstreams/upstream.ts';
import { entryPlace, isRecordOf, type Place, placeAt, type RegistryView } from './place.ts';

export interface PullExplanation {
  /** In the order they are asked. */
  readonly upstreams: readonly UpstreamExplanation[];
  readonly verdict: PullVerdict;
}

export interface UpstreamExplanation {
  readonly id: number;
  readonly name: string;
  readonly position: number;
  /** The image's name at this upstream. */
  readonly repository: RepositoryName;
  /** By its patterns. */
  readonly isAllowed: boolean;
  readonly breaker: BreakerState;
  readonly entry: ExplainedEntry | undefined;
  /** Whether a pull would send it a request. */
  readonly wouldAsk: boolean;
  /** To a HEAD sent just now; undefined where none was sent. */
  readonly answer: ExplainedAnswer | undefined;
}

export interface ExplainedEntry {
  readonly digest: Digest;
  /** Epoch milliseconds. */
  readonly checkedAt: number;
  readonly isFresh: boolean;
}

export interface ExplainedAnswer {
  readonly result: 'found' | UpstreamErrorKind;
  /** Where it was found and the upstream says it. */
  readonly digest: Digest | undefined;
  /** What went wrong, for people. */
  readonly message: string | undefined;
}

export interface PullVerdict {
  /** Undefined where the pull would fail. */
  readonly upstreamId: number | undefined;
  readonly source: 'cache' | 'upstream' | undefined;
  readonly digest: Digest | undefined;
  /** A sentence. */
  readonly why: string;
}

export interface ExplainOptions {
  readonly entries: Pick<CacheEntries, 'listAt' | 'listByDigest'>;
  readonly now: () => number;
}

/** One upstream with what is cached of it. */
interface Candidate {
  readonly place: Place;
  readonly isAllowed: boolean;
  readonly entry: ExplainedEntry | undefined;
}

export async function explainPull(
  registry: RegistryView,
  image: RepositoryName,
  reference: Reference,
  { entries, now }: ExplainOptions,
): Promise<PullExplanation> {
  const places = registry.upstreams.map((upstream) => placeAt(registry, upstream, image));
  const at = places.map(entryPlace);
  const found = isDigestReference(reference)
    ? await entries.listByDigest(at, 'manifest', reference)
    : await entries.listAt(at, 'manifest', reference);
  const candidates = places.map((place): Candidate => {
    const entry = found.find((each) => isRecordOf(each, place));
    const fresh =
      entry &&
      (isDigestReference(reference) ||
        isFresh(entry.checkedAt, place.upstream.settings.cacheValidityHours, now()));
    const explained = entry && { digest: entry.digest, checkedAt: entry.checkedAt, isFresh: fresh === true };
    return { place, isAllowed: place.upstream.allows(image), entry: explained };
  });
  const allowed = candidates.filter((candidate) => candidate.isAllowed);
  const answers = await askInTurn(allowed, reference);
  return {
    upstreams: candidates.map((candidate, index) => describe(candidate, index + 1, answers.get(candidate))),
    verdict: verdictOf(allowed, answers),
  };
}

/** As a pull would: nobody where there is a fresh entry, the owner of a stale one first, else all. */
async function askInTurn(
  candidates: readonly Candidate[],
  reference: Reference,
): Promise<ReadonlyMap<Candidate, ExplainedAnswer>> {
  const answers = new Map<Candidate, ExplainedAnswer>();
  const owner = candidates.find(({ entry }) => entry);
  if (owner?.entry?.isFresh) return answers;
  if (owner) {
    const answer = await ask(owner.place, reference);
    answers.set(owner, answer);
    if (!givesWay(answer)) return answers;
  }
  const rest = candidates.filter((candidate) => candidate !== owner);
  await Promise.all(
    rest.map(async (candidate) => answers.set(candidate, await ask(candidate.place, reference))),
  );
  return answers;
}

async function ask({ upstream, repository }: Place, reference: Reference): Promise<ExplainedAnswer> {
  try {
    const { digest } = await upstream.headManifest(repository, reference);
    return { result: 'found', digest, message: undefined };
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    return { result: error.kind, digest: undefined, message: error.message };
  }
}

/** Whether the next upstreams are asked, stale entry or not. */
function givesWay({ result }: ExplainedAnswer): boolean {
  return result === 'not-found' || result === 'unauthorized';
}

function verdictOf(
  candidates: readonly Candidate[],
  answers: ReadonlyMap<Candidate, ExplainedAnswer>,
): PullVerdict {
  if (candidates.length === 0) return failing('no upstream is there, or none whose patterns allow the image');
  const owner = candidates.find(({ entry }) => entry);
  if (owner?.entry) {
    const cached = {
      upstreamId: owner.place.upstream.settings.id,
      source: 'cache',
      digest: owner.entry.digest,
    } as const;
    const answer = answers.get(owner);
    if (!answer) return { ...cached, why: 'the cached copy is fresh, so no upstream is asked' };
    if (answer.digest === cached.digest)
      return { ...cached, why: 'the cached copy is stale, and its upstream still has the same digest' };
    if (answer.result === 'found')
      return {
        ...cached,
        source: 'upstream',
        digest: answer.digest,
        why: 'the cached copy is stale, and its upstream has another digest now',
      };
    if (!givesWay(answer))
      return {
        ...cached,
        why: `the cached copy is stale, and is served because its upstream ${answer.message}`,
      };
  }
  const first = candidates.find((candidate) => answers.get(candidate)?.result === 'found');
  if (first) {
    const { id } = first.place.upstream.settings;
    return {
      upstreamId: id,
      source: 'upstream',
      digest: answers.get(first)?.digest,
      why: 'it is the first upstream, in their order, that has the image',
    };
  }
  if (owner?.entry && answers.get(owner)?.result === 'unauthorized') {
    return {
      upstreamId: owner.place.upstream.settings.id,
      source: 'cache',
      digest: owner.entry.digest,
      why: 'the cached copy is stale, its upstream refuses us, and no other has the image',
    };
  }
  const isAbsent = [...answers.values()].every(givesWay);
  return failing(isAbsent ? 'no upstream has the image' : 'no upstream that could be asked has the image');
}

function failing(why: string): PullVerdict {
  return { upstreamId: undefined, source: undefined, digest: undefined, why };
}

function describe(
  { place, isAllowed, entry }: Candidate,
  position: number,
  answer: ExplainedAnswer | undefined,
): UpstreamExplanation {
  const { settings } = place.upstream;
  return {
    id: settings.id,
    name: settings.name,
    position,
    repository: place.repository,
    isAllowed,
    breaker: place.upstream.health().breaker,
    entry,
    wouldAsk: answer !== undefined,
    answer,
  };
}
