/** An upstream that has blobs and nothing else, without a network. */
import { parseDigest } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { OutboundError } from '../../src/outbound/outbound-error.ts';
import type { Source } from '../../src/proxy/source.ts';
import type { OpenedBlob, Upstream } from '../../src/upstreams/upstream.ts';

export interface BlobUpstreamOptions {
  readonly id?: number;
  readonly url?: string;
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** What happens to the n-th body, from 0: it is broken off after so many bytes. */
  readonly breaks?: readonly number[];
  readonly chunkBytes?: number;
}

export interface BlobUpstream {
  readonly source: Source;
  /** The first bytes asked for, in order; -1 for a HEAD. */
  readonly asked: number[];
}

export function blobUpstream(options: BlobUpstreamOptions): BlobUpstream {
  const { id = 1, url = 'https://upstream.test', blobs, breaks = [], chunkBytes = 10_000 } = options;
  const asked: number[] = [];
  const get = (digest: string): Buffer => {
    const blob = blobs.get(parseDigest(digest));
    if (!blob) throw new OutboundError('not-found', 'does not have it (404)');
    return blob;
  };
  const unused = () => Promise.reject(new Error('not asked in these tests'));
  const upstream: Upstream = {
    settings: {
      id,
      url,
      name: `upstream ${id}`,
      credentials: undefined,
      allowPatterns: [],
      denyPatterns: [],
      allowPrivateNetwork: false,
      cacheValidityHours: 24,
      updatedAt: 0,
    },
    repositoryOf: (image) => image,
    allows: () => true,
    health: () => ({
      breaker: 'closed',
      openUntil: undefined,
      lastSuccessAt: undefined,
      lastError: undefined,
      quota: undefined,
    }),
    headManifest: unused,
    getManifest: unused,
    listTags: unused,
    listReferrers: unused,
    close: async () => undefined,
    async headBlob(_repository, digest) {
      asked.push(-1);
      return get(digest).length;
    },
    async openBlob(_repository, digest, { start, last }): Promise<OpenedBlob> {
      const breakAfter = breaks[asked.filter((position) => position >= 0).length];
      asked.push(start);
      const blob = get(digest);
      async function* body() {
        const end = last === undefined ? blob.length : last + 1;
        for (let position = start; position < end; position += chunkBytes) {
          if (breakAfter !== undefined && position - start >= breakAfter) {
            throw new OutboundError('unavailable', 'ended the connection');
          }
          await new Promise((resolve) => setImmediate(resolve));
          yield blob.subarray(position, Math.min(position + chunkBytes, end));
        }
      }
      return { start, size: blob.length, body: body(), close: () => undefined };
    },
  };
  return { asked, source: { groupId: 1, upstream, repository: parseRepositoryName('team/app') } };
}
