/** Lists of referrers. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers (end-12a) */
import { algorithmOf, type Digest, digestOf } from '../oci/digest.ts';
import { JsonError, JsonLimitError } from '../oci/json-scan.ts';
import { maxManifestBytes, maxManifestReferences } from '../oci/manifest.ts';
import { ociIndex } from '../oci/media-types.ts';
import type { RepositoryName } from '../oci/reference.ts';
import { fallbackTag, parseReferrers } from '../oci/referrers.ts';
import type { ReferrerDescriptor } from '../oci/repository.ts';
import { parseJsonRecord } from '../oci/untrusted-json.ts';
import type { Answer } from '../outbound/answer.ts';
import { decodings } from '../outbound/content-coding.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { readPages } from './list-pages.ts';
import type { Registry } from './registry.ts';

/** What registries without this API answer to it. */
const unsupported = [400, 404, 405, 406, 501];

/**
 * All pages, or the fallback tag's index where the API gives no index, whatever else it gives.
 * @throws OutboundError or the signal's reason.
 */
export async function listReferrers(
  registry: Registry,
  repository: RepositoryName,
  subject: Digest,
  signal: AbortSignal | undefined,
): Promise<readonly ReferrerDescriptor[]> {
  const request = { kind: 'referrers', method: 'GET', repository, headers: { accept: ociIndex } } as const;
  const pages = readPages(
    registry.urlOf(`${repository}/referrers/${subject}`),
    maxManifestBytes,
    (url, parse) =>
      registry
        .ask({ ...request, url, statuses: [200, ...unsupported] }, signal, async (answer) => {
          if (!unsupported.includes(answer.status)) return parse(answer).catch(unlessNoJson);
          answer.discard();
          return noIndex;
        })
        .catch(unlessRefused),
  );
  const referrers: ReferrerDescriptor[] = [];
  for await (const page of pages) {
    const descriptors = parseIndex(page);
    if (descriptors === undefined) {
      if (referrers.length > 0)
        throw new OutboundError('invalid', 'sent a list of referrers that is not an index');
      const url = registry.urlOf(`${repository}/manifests/${fallbackTag(subject)}`);
      return registry.ask({ ...request, url, statuses: [200, 404] }, signal, (answer) =>
        readTagged(answer, subject),
      );
    }
    referrers.push(...descriptors);
    checkCount(referrers.length);
  }
  return referrers;
}

/** Anything but an index that someone tagged so lists nothing; some registries find the subject itself by this tag. */
async function readTagged(answer: Answer, subject: Digest): Promise<readonly ReferrerDescriptor[]> {
  if (answer.status === 404) {
    answer.discard();
    return [];
  }
  const received = await answer.read(maxManifestBytes);
  for await (const bytes of decodings(received, answer.codings, maxManifestBytes)) {
    if (digestOf(bytes, algorithmOf(subject)) === subject) return [];
    const json = parseJsonRecord(bytes);
    if (json) return parseIndex(json) ?? [];
  }
  return [];
}

/** What there is in place of a page. */
const noIndex = { json: undefined, next: undefined };

function unlessNoJson(error: unknown): typeof noIndex {
  const cause = error instanceof OutboundError ? error.cause : undefined;
  if (cause instanceof JsonError && !(cause instanceof JsonLimitError)) return noIndex;
  throw error;
}

/** Who has not the right to the list may have it to the tag, or there is no list. */
function unlessRefused(error: unknown): typeof noIndex {
  if (error instanceof OutboundError && error.isRefusal) return noIndex;
  throw error;
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
