/** Referrers where there is no API for them. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema */
import { z } from 'zod';
import { algorithmOf, type Digest, hexOf, isDigest } from './digest.ts';
import { parseTag, type Tag } from './reference.ts';
import type { ReferrerDescriptor } from './repository.ts';

const maxTagHex = 64;

const indexSchema = z.object({ manifests: z.array(z.unknown()) });
const descriptorSchema = z.object({
  mediaType: z.string(),
  digest: z.string().refine(isDigest),
  size: z.int().nonnegative(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

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
  const manifests = indexSchema.safeParse(json).data?.manifests;
  return (
    manifests && {
      count: manifests.length,
      descriptors: manifests
        .map((entry) => descriptorSchema.safeParse(entry).data)
        .filter((entry) => entry !== undefined),
    }
  );
}
