/** Images in hosted repositories, written straight to the records: quickly, for lists and deletions. */
import type { Records } from '../../src/metadata/db/records.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type { ManifestReference } from '../../src/oci/manifest.ts';
import type { Tag } from '../../src/oci/reference.ts';
import { blobOf, manifestOf } from './hosted-records.ts';

interface Part {
  readonly kind: 'config' | 'layer';
  /** What is of the same text is the same blob. */
  readonly text: string;
  /** In bytes. */
  readonly size: number;
}

const mediaTypes = {
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
};

/** A manifest of these blobs under these tags, pushed now: its digest. */
export async function pushImage(
  records: Records,
  repositoryId: number,
  tags: readonly string[],
  parts: readonly Part[] = [{ kind: 'config', text: `config of ${tags[0]}`, size: 10 }],
): Promise<Digest> {
  const references: ManifestReference[] = [];
  for (const { kind, text, size } of parts) {
    const blob = blobOf(text, size);
    await records.repositoryBlobs.link(repositoryId, blob.digest, blob);
    references.push({ kind, digest: blob.digest, size, mediaType: mediaTypes[kind] });
  }
  const [config] = references.filter(({ kind }) => kind === 'config');
  const layers = references.filter(({ kind }) => kind === 'layer');
  const manifest = manifestOf(JSON.stringify({ schemaVersion: 2, config, layers }), { references });
  await records.repositories.hold(repositoryId, 'publish');
  await records.repositoryManifests.save(repositoryId, manifest);
  for (const tag of tags) await records.tags.put(repositoryId, tag as Tag, manifest.digest);
  return manifest.digest;
}
