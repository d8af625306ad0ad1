/** How the remote upstreams of one part would answer a pull: the walk, shown without changing what is cached. */
import { isFresh } from '../cache/freshness.ts';
import type { CacheEntries } from '../metadata/cached/cache-entries.ts';
import type { Digest } from '../oci/digest.ts';
import { isDigestReference, type Reference } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type {
  ExplainedAnswer,
  ExplainedEntry,
  ExplainedPart,
  ExplainedPull,
  PartExplanation,
  PullVerdict,
} from './pull-explanation.ts';
import { mayDiffer } from './refusal.ts';
import type { RemotePart } from './registry-view.ts';
import { entrySource, findSource, isRecordOf, type Source } from './source.ts';

export interface ExplainRemoteOptions {
  readonly entries: Pick<CacheEntries, 'listAt' | 'listByDigest'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** One upstream with what is cached of it. */
interface Candidate {
  readonly source: Source;
  readonly isAllowed: boolean;
  readonly entry: ExplainedEntry | undefined;
}

export async function explainRemote(
  part: RemotePart,
  { repository, reference, isReached }: ExplainedPull,
  { entries, now }: ExplainRemoteOptions,
): Promise<ExplainedPart> {
  const named = part.upstreams.flatMap((upstream) => findSource(part, upstream, repository) ?? []);
  const at = named.map(entrySource);
  const found = isDigestReference(reference)
    ? await entries.listByDigest(at, 'manifest', reference)
    : await entries.listAt(at, 'manifest', reference);
  const candidates = part.upstreams.map((upstream): Candidate => {
    const source = findSource(part, upstream, repository) ?? { groupId: part.groupId, upstream, repository };
    const entry = found.find((each) => isRecordOf(each, source));
    const fresh =
      entry &&
      (isDigestReference(reference) || isFresh(entry.checkedAt, upstream.settings.cacheValidityHours, now()));
    const explained = entry && { digest: entry.digest, checkedAt: entry.checkedAt, isFresh: fresh === true };
    return { source, isAllowed: upstream.allows(repository), entry: explained };
  });
  const allowed = candidates.filter((candidate) => candidate.isAllowed);
  const answers = await askInTurn(isReached ? allowed : [], reference);
  return {
    upstreams: candidates.map((candidate) => describe(candidate, answers.get(candidate))),
    verdict: verdictOf(allowed, answers),
  };
}

/**
 * As a pull would: nobody where there is a fresh entry, the owner of a stale one first, else all; by GET where HEAD says no to the end. What
 * they say is not kept.
 */
async function askInTurn(
  candidates: readonly Candidate[],
  reference: Reference,
): Promise<ReadonlyMap<Candidate, ExplainedAnswer>> {
  const answers = new Map<Candidate, ExplainedAnswer>();
  const owner = candidates.find(({ entry }) => entry);
  if (owner?.entry?.isFresh) return answers;
  const ask = async (candidate: Candidate, how: How): Promise<boolean> => {
    const { answer, isOpen } = await how(candidate.source, reference);
    answers.set(candidate, answer);
    return isOpen;
  };
  const isSettled = () => answers.values().some((answer) => !givesWay(answer));
  if (owner) {
    const isOpen = await ask(owner, byHead);
    if (isOpen && !isSettled()) await ask(owner, byGet);
    if (isSettled()) return answers;
  }
  const rest = candidates.filter((candidate) => candidate !== owner);
  const open = await Promise.all(rest.map(async (each) => ((await ask(each, byHead)) ? [each] : [])));
  for (const candidate of open.flat()) {
    if (answers.values().some(({ result }) => result === 'found')) break;
    await ask(candidate, byGet);
  }
  return answers;
}

type How = (
  source: Source,
  reference: Reference,
) => Promise<{ readonly answer: ExplainedAnswer; readonly isOpen: boolean }>;

const byHead: How = ({ upstream, repository }, reference) =>
  answered(() => upstream.headManifest(repository, reference));

const byGet: How = ({ upstream, repository }, reference) =>
  answered(() => upstream.getManifest(repository, reference));

async function answered(ask: () => Promise<{ readonly digest: Digest | undefined }>) {
  try {
    const { digest } = await ask();
    return { answer: { result: 'found', digest, message: undefined }, isOpen: false } as const;
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    const answer = { result: error.kind, digest: undefined, message: error.message } as const;
    return { answer, isOpen: mayDiffer(error) };
  }
}

/** Whether the next upstreams are asked, stale entry or not. */
export function givesWay({ result }: ExplainedAnswer): boolean {
  return result === 'not-found' || result === 'unauthorized';
}

/** Undefined where nobody here has the image. */
function verdictOf(
  candidates: readonly Candidate[],
  answers: ReadonlyMap<Candidate, ExplainedAnswer>,
): PullVerdict | undefined {
  const owner = candidates.find(({ entry }) => entry);
  if (owner?.entry) {
    const cached = {
      upstreamId: owner.source.upstream.settings.id,
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
  for (const candidate of candidates) {
    const answer = answers.get(candidate);
    if (answer?.result !== 'found') continue;
    return {
      upstreamId: candidate.source.upstream.settings.id,
      source: 'upstream',
      digest: answer.digest,
      why: 'it is the first upstream, in their order, that has the image',
    };
  }
  if (!owner?.entry || answers.get(owner)?.result !== 'unauthorized') return undefined;
  return {
    upstreamId: owner.source.upstream.settings.id,
    source: 'cache',
    digest: owner.entry.digest,
    why: 'the cached copy is stale, its upstream refuses us, and no other has the image',
  };
}

function describe(
  { source, isAllowed, entry }: Candidate,
  answer: ExplainedAnswer | undefined,
): PartExplanation {
  const { upstream, repository } = source;
  const {
    id,
    name,
    network: { tlsVerify },
  } = upstream.settings;
  const { breaker } = upstream.health();
  return {
    id,
    name,
    repository,
    isAllowed,
    tlsVerify,
    breaker,
    entry,
    wouldAsk: answer !== undefined,
    answer,
  };
}
