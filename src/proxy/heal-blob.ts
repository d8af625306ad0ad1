/** Fetches a blob again whose bytes were lost, from wherever it was fetched before: an ordinary fill, which clients may follow. */
import type { StoredBlobs } from '../metadata/content/stored-blobs.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { Fills } from './fills.ts';
import type { Source } from './source.ts';

export interface HealTools {
  readonly blobs: Pick<StoredBlobs, 'listFetched'>;
  readonly fills: Fills;
  /** Undefined for what is no remote upstream any more. */
  readonly findUpstream: (id: number) => Promise<Upstream | undefined>;
}

/** @returns false where it was never fetched, or cannot be had now */
export async function healBlob(
  { blobs, fills, findUpstream }: HealTools,
  digest: Digest,
  size: number,
): Promise<boolean> {
  const sources: Source[] = [];
  for (const { upstreamId, repository, groupId } of await blobs.listFetched(digest)) {
    const upstream = await findUpstream(upstreamId);
    if (upstream) sources.push({ upstream, repository, groupId });
  }
  try {
    const since = fills.moment;
    const joined = await fills.join(digest, sources, size, since);
    if (typeof joined === 'object') await joined.fill.release();
    return await fills.isStored(digest, since);
  } catch (error) {
    if (error instanceof OciError) return false;
    throw error;
  }
}
