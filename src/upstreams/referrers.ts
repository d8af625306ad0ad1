/** Lists of referrers. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers (end-12a) */
import { z } from 'zod';
import { algorithmOf, type Digest, hexOf, isDigest } from '../oci/digest.ts';
import { maxManifestBytes, maxManifestReferences } from '../oci/manifest.ts';
import { ociIndex } from '../oci/media-types.ts';
import { parseTag, type RepositoryName, type Tag } from '../oci/reference.ts';
import type { ReferrerDescriptor } from '../oci/repository.ts';
import type { Answer } from './answer.ts';
import { UpstreamError } from './errors.ts';
import { readPages } from './list-pages.ts';
import type { Registry } from './registry.ts';

/** What registries without this API answer to it. */
const unsupported = [400, 404, 405, 501];
const maxTagHex = 64;

const indexSchema = z.object({ manifests: z.array(z.unknown()) });
const descriptorSchema = z.object({
  mediaType: z.string(),
  digest: z.string().refine(isDigest),
  size: z.int().nonnegative(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** All pages, or the fallback tag's index where the API is missing. @throws UpstreamError or the signal's reason. */
export async function listReferrers(
  registry: Registry,
  repository: RepositoryName,
  subject: Digest,
  signal: AbortSignal | undefined,
): Promise<readonly ReferrerDescriptor[]> {
  const request = { kind: 'referrers', method: 'GET', repository, headers: { accept: ociIndex } } as const;
  let isSupported = true;
  const pages = readPages(registry.urlOf(`${repository}/referrers/${subject}`), (url, parse) =>
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
      throw new UpstreamError('invalid', 'sent a list of referrers that is not an index');
    referrers.push(...descriptors);
    checkCount(referrers.length);
  }
  if (isSupported) return referrers;
  const url = registry.urlOf(`${repository}/manifests/${fallbackTag(subject)}`);
  return registry.ask({ ...request, url, statuses: [200, 404] }, signal, readTagged);
}

/** Where clients list referrers at registries that lack the API: `sha256-<hex>`, the digest cut to what a tag may hold. */
export function fallbackTag(subject: Digest): Tag {
  return parseTag(`${algorithmOf(subject)}-${hexOf(subject).slice(0, maxTagHex)}`);
}

/** Anything but an index that someone tagged so lists nothing. */
async function readTagged(answer: Answer): Promise<readonly ReferrerDescriptor[]> {
  if (answer.status === 404) {
    answer.discard();
    return [];
  }
  const bytes = await answer.read(maxManifestBytes);
  try {
    return parseIndex(JSON.parse(bytes.toString('utf8'))) ?? [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Malformed descriptors are left out; undefined where it is no index. @throws UpstreamError 'invalid' where it is too long. */
function parseIndex(json: unknown): readonly ReferrerDescriptor[] | undefined {
  const index = indexSchema.safeParse(json);
  if (!index.success) return undefined;
  checkCount(index.data.manifests.length);
  return index.data.manifests
    .map((entry) => descriptorSchema.safeParse(entry).data)
    .filter((entry) => entry !== undefined);
}

function checkCount(count: number): void {
  if (count > maxManifestReferences)
    throw new UpstreamError('invalid', `has more than ${maxManifestReferences} referrers for one subject`);
}
