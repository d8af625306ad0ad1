/** An image with a large layer, pushed to a registry over its API. */
import { Readable } from 'node:stream';
import { type FakeBlob, type FakeManifest, fakeImage, seededBlob } from '../test/support/fake-content.ts';

export const repository = 'bench/image';
export const tag = '1';

/** @returns the manifest; its last layer has `layerBytes` bytes */
export async function pushImage(registryUrl: string, layerBytes: number): Promise<FakeManifest> {
  const layers = [
    ...Array.from({ length: 8 }, (_, seed) => seededBlob(1000 + seed, seed)),
    seededBlob(layerBytes, 99),
  ];
  const image = fakeImage({ layers });
  const base = `${registryUrl}/v2/${repository}`;
  for (const blob of [...image.layers, ...(image.config ? [image.config] : [])]) await pushBlob(base, blob);
  const headers = { 'content-type': image.mediaType };
  await expectCreated(
    await fetch(`${base}/manifests/${tag}`, { method: 'PUT', headers, body: image.payload }),
  );
  return image;
}

async function pushBlob(base: string, blob: FakeBlob): Promise<void> {
  const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(started.headers.get('location') ?? '', base);
  location.searchParams.set('digest', blob.digest);
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) };
  const body = Readable.from(blob.read(0, blob.size));
  await expectCreated(await fetch(location, { method: 'PUT', headers, body, duplex: 'half' }));
}

async function expectCreated(response: Response): Promise<void> {
  if (response.status !== 201)
    throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}
