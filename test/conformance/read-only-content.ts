/** An image, an index and two artifacts about the image, pushed so that a virtual registry has something to hand on. */
import type { Entrepot } from '../e2e/support/entrepot.ts';
import { PushClient } from '../e2e/support/pushing.ts';
import {
  bytesBlob,
  type FakeManifest,
  fakeArtifact,
  fakeImage,
  fakeIndex,
  seededBlob,
} from '../support/fake-content.ts';

/** @returns the suite's settings that name what was pushed. @throws Error where a push is not acknowledged */
export async function pushReadOnlyContent(
  server: Entrepot,
  repository: string,
): Promise<Record<string, string>> {
  const client = new PushClient(`http://${server.host}/v2/${repository}`, server.authorization);
  const layers = [seededBlob(1024 * 1024, 1), seededBlob(3000, 2)];
  const image = fakeImage({ layers });
  const other = fakeImage({ layers: layers.slice(1), architecture: 'arm64' });
  const index = fakeIndex({ manifests: [image, other] });
  const artifacts = ['application/vnd.example.sbom', 'application/vnd.example.signature'].map((type) =>
    fakeArtifact(image, type, { 'org.example.about': type }),
  );
  const configs = [image, other].flatMap(({ config }) => (config ? [config] : []));
  const blobs = [...layers, ...configs, bytesBlob('{}')];
  const tags: [string, FakeManifest][] = [
    ['image', image],
    ['index', index],
    ['latest', index],
  ];

  const acknowledged: boolean[] = [];
  for (const blob of blobs) acknowledged.push(await client.blob(blob, 'one PATCH'));
  const manifests = [image, other, index, ...artifacts];
  for (const manifest of manifests) acknowledged.push(await client.manifest(manifest, manifest.digest));
  for (const [tag, manifest] of tags) acknowledged.push(await client.manifest(manifest, tag));
  if (acknowledged.includes(false)) throw new Error(`${repository}: what is to be read could not be pushed`);

  const digests = (contents: readonly { readonly digest: string }[]) =>
    contents.map(({ digest }) => digest).join(' ');
  return {
    OCI_RO_DATA_TAGS: tags.map(([tag]) => tag).join(' '),
    OCI_RO_DATA_MANIFESTS: digests(manifests),
    OCI_RO_DATA_BLOBS: digests(blobs),
    OCI_RO_DATA_REFERRERS: digests([image, index]),
  };
}
