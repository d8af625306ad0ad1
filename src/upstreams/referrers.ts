/** Lists of referrers. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers (end-12a) */
import type { Digest } from '../oci/digest.ts';
import { maxManifestBytes, maxManifestReferences } from '../oci/manifest.ts';
import { ociIndex } from '../oci/media-types.ts';
import type { RepositoryName } from '../oci/reference.ts';
import { fallbackTag, parseReferrers } from '../oci/referrers.ts';
import type { ReferrerDescriptor } from '../oci/repository.ts';
import { parseJsonRecord } from '../oci/untrusted-json.ts';
import type { Answer } from '../outbound/answer.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { readPages } from './list-pages.ts';
import type { Registry } from './registry.ts';

/** What registries without this API answer to it. */
const unsupported = [400, 404, 405, 501];
/** All pages, or the fallback tag's index where the API is missing. @throws OutboundError or the signal's reason. */
export async function listReferrers(
  registry: Registry,
  repository: RepositoryName,
  subject: Digest,
  signal: AbortSignal | undefined,
): Promise<readonly ReferrerDescriptor[]> {
  const request = { kind: 'referrers', method: 'GET', repository, headers: { accept: ociIndex } } as const;
  let isSupported = true;
  const pages = readPages(
    registry.urlOf(`${repository}/referrers/${subject}`),
    maxManifestBytes,
    (url, parse) =>
      registry.ask({ ...request, url, statuses: [200, ...unsupported] }, signal, (answer) => {
        if (answer.status === 200) return parse(answer);
        answer.discard();
        isSupported = false;
        return undefined;
      }),
  );
  const referrers: ReferrerDescriptor[] = [];
  for await (const page of pages) {
    const descriptors = parseIndex(page);
    if (descriptors === undefined)
      throw new OutboundError('invalid', 'sent a list of referrers that is not an index');
    referrers.push(...descriptors);
    checkCount(referrers.length);
  }
  if (isSupported) return referrers;
  const url = registry.urlOf(`${repository}/manifests/${fallbackTag(subject)}`);
  return registry.ask({ ...request, url, statuses: [200, 404] }, signal, readTagged);
}

/** Anything but an index that someone tagged so lists nothing. */
async function readTagged(answer: Answer): Promise<readonly ReferrerDescriptor[]> {
  if (answer.status === 404) {
    answer.discard();
    return [];
  }
  const json = parseJsonRecord(await answer.read(maxManifestBytes));
  return (json && parseIndex(json)) ?? [];
}

/** Malformed descriptors are left out; undefined where it is no index. @throws OutboundError 'invalid' where it is too long. */
function parseIndex(json: unknown): readonly ReferrerDescriptor[] | undefined {
  const index = parseReferrers(json);
  checkCount(index?.count ?? 0);
  return index?.descriptors;
}

function checkCount(count: number): void {
  if (count > maxManifestReferences)
    throw new OutboundError('invalid', `has more than ${maxManifestReferences} referrers for one subject`);
}
