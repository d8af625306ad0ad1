/** The referrers of a manifest (end-12a, end-12b): always an index, in pages that clients are sure to read. */
import { parseDigest } from '../../oci/digest.ts';
import { ociIndex } from '../../oci/media-types.ts';
import type { ReferrerDescriptor, ReferrersAnswer } from '../../oci/repository.ts';
import type { RequestContext } from '../state.ts';
import { cacheStatus } from './cache-status.ts';
import { linkNext } from './paging.ts';
import { parametersOf } from './parameters.ts';
import type { PullTarget } from './targets.ts';

/** Clients read 4 MiB; some of it is for what is around the entries. */
const maxPageBytes = 4 * 1024 * 1024 - 1024;

export async function answerReferrers(
  ctx: RequestContext,
  { repository, segment }: PullTarget,
): Promise<void> {
  answer(ctx, await repository.referrers(parseDigest(segment), ctx.state.left));
}

/**
 * Answers where there is no repository: the specification wants an empty list of what has no referrers, whatever the reason, never 404.
 * @param digest of the subject, not parsed yet. @throws OciError DIGEST_INVALID
 */
export function answerNoReferrers(ctx: RequestContext, digest: string): void {
  parseDigest(digest);
  answer(ctx, { descriptors: [], outcome: 'hosted' });
}

function answer(ctx: RequestContext, { descriptors, outcome }: ReferrersAnswer): void {
  const parameters = parametersOf(ctx);
  const artifactType = parameters.get('artifactType') ?? '';
  const last = parameters.get('last') ?? '';
  const wanted =
    artifactType === '' ? descriptors : descriptors.filter((each) => each.artifactType === artifactType);
  const { page, next } = pageOf(wanted, last);
  if (next !== undefined) linkNext(ctx, { ...(artifactType !== '' && { artifactType }), last: next });
  if (artifactType !== '') ctx.set('OCI-Filters-Applied', 'artifactType');
  ctx.state.outcome = outcome;
  ctx.set('Content-Type', ociIndex);
  ctx.set('Cache-Status', cacheStatus[outcome]);
  ctx.body = `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[${page.join(',')}]}`;
}

/** The entries of a page: in their order where one page holds all; else by digest, so that a list that changes meanwhile loses none. */
function pageOf(
  descriptors: readonly ReferrerDescriptor[],
  last: string,
): { page: string[]; next: string | undefined } {
  const texts = descriptors.map((descriptor) => ({
    digest: descriptor.digest,
    text: JSON.stringify(descriptor),
  }));
  const bytes = texts.map(({ text }) => Buffer.byteLength(text) + 1).reduce((sum, length) => sum + length, 0);
  if (last === '' && bytes <= maxPageBytes) return { page: texts.map(({ text }) => text), next: undefined };
  const rest = texts.filter(({ digest }) => digest > last).sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const page: typeof texts = [];
  let room = maxPageBytes;
  for (const entry of rest) {
    room -= Buffer.byteLength(entry.text) + 1;
    if (room < 0 && page.length > 0) break;
    page.push(entry);
  }
  const next = page.length < rest.length ? page.at(-1)?.digest : undefined;
  return { page: page.map(({ text }) => text), next };
}
