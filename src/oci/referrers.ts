/** Referrers where there is no API for them. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema */
import { algorithmOf, type Digest, hexOf, isDigest } from './digest.ts';
import { parseTag, type Tag } from './reference.ts';
import type { ReferrerDescriptor } from './repository.ts';
import { isRecord, readTexts } from './untrusted-json.ts';

const maxTagHex = 64;

/** Where clients list referrers at registries that lack the API: `sha256-<hex>`, the digest cut to what a tag may hold. */
export function fallbackTag(subject: Digest): Tag {
  return parseTag(`${algorithmOf(subject)}-${hexOf(subject).slice(0, maxTagHex)}`);
}

export interface ReferrerIndex {
  /** How many entries it has. */
  readonly count: number;
  /** Those that are well formed. */
  readonly descriptors: readonly ReferrerDescriptor[];
}

/** Undefined where it is no index. */
export function parseReferrers(json: unknown): ReferrerIndex | undefined {
  const said = isRecord(json) ? json['manifests'] : undefined;
  // Go writes null for an empty list.
  const manifests = said === null ? [] : said;
  if (!Array.isArray(manifests)) return undefined;
  const descriptors = manifests.map(parseReferrer).filter((entry) => entry !== undefined);
  return { count: manifests.length, descriptors };
}

/** Without fields that are not known or null; undefined where it is malformed. */
function parseReferrer(value: unknown): ReferrerDescriptor | undefined {
  if (!isRecord(value)) return undefined;
  const { mediaType, digest, size } = value;
  const artifactType = value['artifactType'] ?? undefined;
  const said = value['annotations'] ?? undefined;
  const annotations = readTexts(said);
  if (typeof mediaType !== 'string' || typeof digest !== 'string' || !isDigest(digest)) return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  if (artifactType !== undefined && typeof artifactType !== 'string') return undefined;
  if (said !== undefined && annotations === undefined) return undefined;
  return {
    ...{ mediaType, digest, size },
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
  };
}
