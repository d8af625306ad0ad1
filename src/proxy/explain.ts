/** How a pull would be answered now, part by part, without changing anything. */
import { type Admission, ImageRefused } from '../admission/admission.ts';
import type { ImageContent } from '../admission/admission-policy.ts';
import type { Verdict } from '../admission/verdict.ts';
import type { Manifests } from '../metadata/content/manifests.ts';
import { OciError } from '../oci/errors.ts';
import { isDigestReference, type Reference, type RepositoryName } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { LocalUpstream } from '../upstreams/local-upstream.ts';
import { type ExplainRemoteOptions, explainRemote, givesWay } from './explain-remote.ts';
import { type FindHosted, LocalRepository } from './local-repository.ts';
import { recordedTypeOf } from './manifest-fetch.ts';
import { hereFirst } from './ordered-repository.ts';
import type {
  ExplainedAnswer,
  ExplainedPart,
  ExplainedPull,
  PullExplanation,
  PullVerdict,
  UpstreamExplanation,
} from './pull-explanation.ts';
import type { RegistryPart, RegistryView, RemotePart } from './registry-view.ts';
import { findSource, placeOf } from './source.ts';

export interface ExplainOptions extends ExplainRemoteOptions {
  readonly findHosted: FindHosted;
  readonly admission: Pick<Admission, 'admit' | 'explain'>;
  /** What policies read: small blobs, which are then cached. */
  readonly contentOf: (part: RemotePart, repository: RepositoryName) => ImageContent;
  readonly manifests: Pick<Manifests, 'findPayload'>;
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
  let admission: readonly Verdict[] | undefined;
  for (const part of order) {
    const pull = { repository, reference, isReached: verdict === undefined };
    const said = isLocal(part)
      ? await explainLocal(part, registry, pull, options)
      : await explainRemote(part, pull, options);
    explained.set(part, said);
    if (verdict || !said.verdict) continue;
    verdict = said.verdict;
    admission = isLocal(part) ? said.admission : await judge(part, pull, verdict, options);
  }
  const upstreams = registry.parts
    .flatMap((part) => explained.get(part)?.upstreams ?? [])
    .map((upstream, index) => ({ ...upstream, position: index + 1 }));
  return { upstreams, verdict: verdict ?? failing(upstreams), admission };
}

function isLocal(part: RegistryPart): part is LocalUpstream {
  return part instanceof LocalUpstream;
}

async function explainLocal(
  upstream: LocalUpstream,
  { id: registryId, groupPath }: RegistryView,
  { repository, reference, isReached }: ExplainedPull,
  { findHosted, admission }: ExplainOptions,
): Promise<ExplainedPart> {
  const { id, name } = upstream.settings;
  const isAllowed = upstream.allows(repository);
  const local = new LocalRepository({ upstream, repository, groupPath, findHosted, registryId, admission });
  const { answer, verdict } = isReached && isAllowed ? await ask(local, reference) : unasked;
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
    admission: verdict && [verdict],
  };
}

interface Asked {
  readonly answer: ExplainedAnswer | undefined;
  /** Of the policy that keeps it out. */
  readonly verdict?: Verdict;
}

const unasked: Asked = { answer: undefined };

async function ask(repository: LocalRepository, reference: Reference): Promise<Asked> {
  try {
    const { digest } = await repository.manifest(reference, false);
    return { answer: { result: 'found', digest, message: undefined } };
  } catch (error) {
    if (error instanceof ImageRefused)
      return {
        answer: { result: 'found', digest: undefined, message: error.message },
        verdict: error.verdict,
      };
    if (!(error instanceof OciError)) throw error;
    const result = error.status === 404 ? 'not-found' : 'unavailable';
    return { answer: { result, digest: undefined, message: error.message } };
  }
}

/** Undefined where nobody could judge now. */
async function judge(
  part: RemotePart,
  { repository, reference }: ExplainedPull,
  { upstreamId, digest }: PullVerdict,
  { admission, contentOf, manifests }: ExplainOptions,
): Promise<readonly Verdict[] | undefined> {
  const upstream = part.upstreams.find(({ settings }) => settings.id === upstreamId);
  const source = upstream && findSource(part, upstream, repository);
  if (!source || digest === undefined) return undefined;
  const find = async () => {
    const payload =
      (await manifests.findPayload(digest)) ??
      (await source.upstream.getManifest(source.repository, digest)).payload;
    const content = contentOf(part, repository);
    return { reference, digest, mediaType: recordedTypeOf('', payload), payload, content };
  };
  try {
    return await admission.explain(placeOf(part.registryId, source), find);
  } catch (error) {
    if (error instanceof OciError || error instanceof OutboundError) return undefined;
    throw error;
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
