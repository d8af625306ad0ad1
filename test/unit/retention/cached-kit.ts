/** Groups, registries and what they have cached, straight in the records. */
import type { CacheEntry } from '../../../src/metadata/cached/cache-entry.ts';
import type { Database } from '../../../src/metadata/db/database.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import type { ManifestReference } from '../../../src/oci/manifest.ts';
import { ociManifest } from '../../../src/oci/media-types.ts';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import { openSqlite } from '../../support/databases.ts';
import { blobOf, createGroup, manifestOf } from '../../support/hosted-records.ts';

export const hourMs = 60 * 60 * 1000;
export const dayMs = 24 * hourMs;

/** One upstream of a group, with the registry that uses it. */
export interface Cache {
  readonly groupId: number;
  readonly upstreamId: number;
  readonly registryId: number;
}

export interface ImageParts {
  /** By default the tag v1. */
  readonly reference?: string;
  /** Text of a layer, which is what makes it the same as another, and its size in bytes. */
  readonly layers?: Readonly<Record<string, number>>;
  readonly children?: readonly Digest[];
}

export async function startCached() {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const database = await openSqlite(() => clock.now);
  return { clock, database };
}

export async function createCache(database: Database, path = 'acme'): Promise<Cache> {
  const { id: groupId } = await createGroup(database, path);
  const { length } = await database.virtualRegistries.list(groupId);
  const registry = await database.virtualRegistries.create({ groupId, name: `registry ${length}` });
  const upstream = await database.upstreams.create({
    groupId,
    url: `https://upstream${length}.example.com`,
    name: 'upstream',
    cacheValidityHours: 24,
    allowPatterns: [],
    denyPatterns: [],
    allowPrivateNetwork: false,
  });
  await database.registryUpstreams.append(registry.id, upstream.id);
  return { groupId, upstreamId: upstream.id, registryId: registry.id };
}

/** Used now. The size of its blob where others have it is theirs. */
export function cacheBlob(
  database: Database,
  { groupId, upstreamId }: Cache,
  name: string,
  text: string,
  size: number,
): Promise<CacheEntry> {
  const blob = blobOf(text, size);
  const { digest } = blob;
  const repository = parseRepositoryName(name);
  const link = { groupId, upstreamId, repository, digest, mediaType: 'application/octet-stream', size };
  return database.cacheEntries.linkBlob({ ...link, checkedAt: 1 }, blob);
}

/** With its layers, all used now. The digest of its manifest, whose text is that of its layers and children. */
export async function cacheImage(
  database: Database,
  cache: Cache,
  name: string,
  { reference = 'v1', layers = {}, children = [] }: ImageParts = {},
): Promise<Digest> {
  const references: ManifestReference[] = children.map((digest) => ({
    kind: 'manifest',
    digest,
    size: 1,
    mediaType: ociManifest,
  }));
  for (const [text, size] of Object.entries(layers)) {
    const { digest } = await cacheBlob(database, cache, name, text, size);
    references.push({ kind: 'layer', digest, size, mediaType: 'application/octet-stream' });
  }
  const { digest, payload, mediaType } = manifestOf(JSON.stringify({ layers, children }));
  const { groupId, upstreamId } = cache;
  const place = { groupId, upstreamId, repository: parseRepositoryName(name) };
  for (const each of new Set([reference, digest])) {
    const link = { ...place, kind: 'manifest', reference: each, digest, mediaType } as const;
    await database.cacheEntries.saveManifest({ ...link, etag: undefined, checkedAt: 1 }, payload, references);
  }
  return digest;
}

/** As clients name them, tags of manifests and texts of blobs: `team/app v1`, `team/app layer`. */
export async function entriesOf(
  database: Database,
  { upstreamId }: Cache,
  ...texts: readonly string[]
): Promise<readonly string[]> {
  const names = new Map<string, string>(texts.map((text) => [blobOf(text).digest, text]));
  const { records } = await database.cacheContents.list(upstreamId, undefined, { page: 1, perPage: 1000 });
  return records
    .map(({ kind, repository, reference }) => {
      const name = kind === 'blob' ? names.get(reference) : reference.includes(':') ? undefined : reference;
      return name && `${repository} ${name}`;
    })
    .filter((entry) => entry !== undefined)
    .sort();
}
