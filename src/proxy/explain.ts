/** How a pull would be answered now, part by part, without changing anything. */
import type { CacheEntries } from '../metadata/cached/cache-entries.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { isDigestReference, type Reference, type RepositoryName } from '../oci/reference.ts';
import type { UpstreamErrorKind } from '../outbound/errors.ts';
import { LocalUpstream } from '../upstreams/local-upstream.ts';
import type { BreakerState } from '../upstreams/upstream.ts';
import { explainRemote, givesWay } from './explain-remote.ts';
import { type FindHosted, LocalRepository } from './local-repository.ts';
import { hereFirst } from './ordered-repository.ts';
import type { RegistryPart, RegistryView } from './registry-view.ts';

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
  readonly repository: string;
  /** By its patterns. */
  readonly isAllowed: boolean;
  /** Always closed for a local one. */
  readonly breaker: BreakerState;
  /** A local one has none: nothing of it is cached. */
  readonly entry: ExplainedEntry | undefined;
  /** Whether a pull would ask it: a remote one by a request. */
  readonly wouldAsk: boolean;
  /** What it said just now; undefined where it was not asked. */
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
  readonly source: 'cache' | 'upstream' | 'hosted' | undefined;
  readonly digest: Digest | undefined;
  /** A sentence. */
  readonly why: string;
}

export interface ExplainOptions {
  readonly entries: Pick<CacheEntries, 'listAt' | 'listByDigest'>;
  readonly findHosted: FindHosted;
  readonly now: () => number;
}

/** What is pulled. */
export interface ExplainedPull {
  readonly image: RepositoryName;
  readonly reference: Reference;
  /** Whether a pull would come to this part; where not, nobody is asked. */
  readonly isReached: boolean;
}

export type PartExplanation = Omit<UpstreamExplanation, 'position'>;

/** What one part of a virtual registry says. */
export interface ExplainedPart {
  readonly upstreams: readonly PartExplanation[];
  /** Undefined where nobody here has the image. */
  readonly verdict: PullVerdict | undefined;
}

export async function explainPull(
  registry: RegistryView,
  image: RepositoryName,
  reference: Reference,
  options: ExplainOptions,
): Promise<PullExplanation> {
  const order = isDigestReference(reference) ? hereFirst(registry.parts, isLocal) : registry.parts;
  const explained = new Map<RegistryPart, ExplainedPart>();
  let verdict: PullVerdict | undefined;
  for (const part of order) {
    const pull = { image, reference, isReached: verdict === undefined };
    const said = isLocal(part)
      ? await explainLocal(part, registry, pull, options)
      : await explainRemote(part, pull, options);
    explained.set(part, said);
    verdict ??= said.verdict;
  }
  const upstreams = registry.parts
    .flatMap((part) => explained.get(part)?.upstreams ?? [])
    .map((upstream, index) => ({ ...upstream, position: index + 1 }));
  return { upstreams, verdict: verdict ?? failing(upstreams) };
}

function isLocal(part: RegistryPart): part is LocalUpstream {
  return part instanceof LocalUpstream;
}

async function explainLocal(
  upstream: LocalUpstream,
  { groupPath }: RegistryView,
  { image, reference, isReached }: ExplainedPull,
  { findHosted }: ExplainOptions,
): Promise<ExplainedPart> {
  const { id, name } = upstream.settings;
  const isAllowed = upstream.allows(image);
  const repository = new LocalRepository({ upstream, image, groupPath, findHosted });
  const answer = isReached && isAllowed ? await ask(repository, reference) : undefined;
  const isFirst = isDigestReference(reference)
    ? 'it is hosted on this server, where a digest is looked for first'
    : 'it is the first upstream, in their order, that has the image';
  return {
    upstreams: [
      {
        id,
        name,
        repository: upstream.nameOf(image),
        isAllowed,
        breaker: 'closed',
        entry: undefined,
        wouldAsk: answer !== undefined,
        answer,
      },
    ],
    verdict:
      answer?.result === 'found'
        ? { upstreamId: id, source: 'hosted', digest: answer.digest, why: isFirst }
        : undefined,
  };
}

async function ask(repository: LocalRepository, reference: Reference): Promise<ExplainedAnswer> {
  try {
    const { digest } = await repository.manifest(reference, false);
    return { result: 'found', digest, message: undefined };
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    const result = error.status === 404 ? 'not-found' : 'unavailable';
    return { result, digest: undefined, message: error.message };
  }
}

/** All that may be asked was asked, and had nothing. */
function failing(upstreams: readonly UpstreamExplanation[]): PullVerdict {
  const allowed = upstreams.filter(({ isAllowed }) => isAllowed);
  const isAbsent = allowed.every(({ answer }) => answer && givesWay(answer));
  const why = isAbsent ? 'no upstream has the image' : 'no upstream that could be asked has the image';
  return {
    upstreamId: undefined,
    source: undefined,
    digest: undefined,
    why: allowed.length > 0 ? why : 'no upstream is there, or none whose patterns allow the image',
  };
}
