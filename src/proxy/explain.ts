/** How a pull would be answered now, part by part, without changing anything. */
import { OciError } from '../oci/errors.ts';
import { isDigestReference, type Reference, type RepositoryName } from '../oci/reference.ts';
import { LocalUpstream } from '../upstreams/local-upstream.ts';
import { type ExplainRemoteOptions, explainRemote, givesWay } from './explain-remote.ts';
import { type FindHosted, LocalRepository } from './local-repository.ts';
import { hereFirst } from './ordered-repository.ts';
import type {
  ExplainedAnswer,
  ExplainedPart,
  ExplainedPull,
  PullExplanation,
  PullVerdict,
  UpstreamExplanation,
} from './pull-explanation.ts';
import type { RegistryPart, RegistryView } from './registry-view.ts';

export interface ExplainOptions extends ExplainRemoteOptions {
  readonly findHosted: FindHosted;
}

export async function explainPull(
  registry: RegistryView,
  repository: RepositoryName,
  reference: Reference,
  options: ExplainOptions,
): Promise<PullExplanation> {
  const order = isDigestReference(reference) ? hereFirst(registry.parts, isLocal) : registry.parts;
  const explained = new Map<RegistryPart, ExplainedPart>();
  let verdict: PullVerdict | undefined;
  for (const part of order) {
    const pull = { repository, reference, isReached: verdict === undefined };
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
  { repository, reference, isReached }: ExplainedPull,
  { findHosted }: ExplainOptions,
): Promise<ExplainedPart> {
  const { id, name } = upstream.settings;
  const isAllowed = upstream.allows(repository);
  const local = new LocalRepository({ upstream, repository, groupPath, findHosted });
  const answer = isReached && isAllowed ? await ask(local, reference) : undefined;
  const isFirst = isDigestReference(reference)
    ? 'it is hosted on this server, where a digest is looked for first'
    : 'it is the first upstream, in their order, that has the image';
  return {
    upstreams: [
      {
        id,
        name,
        repository: upstream.nameOf(repository),
        isAllowed,
        tlsVerify: true,
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
