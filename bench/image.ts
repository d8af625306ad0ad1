/** Images of made-up bytes, and how each server gets them. */
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type FakeBlob, type FakeManifest, fakeImage, seededBlob } from '../test/support/fake-content.ts';
import type { Contender } from './contender.ts';

/** @param layerBytes of each layer @param seed other bytes for another seed */
export function imageOf(layerBytes: readonly number[], seed: number): FakeManifest {
  return fakeImage({ layers: layerBytes.map((bytes, index) => seededBlob(bytes, seed * 1000 + index)) });
}

/** Pushes the image, or puts its files there where a server knows no pushing. */
export async function give(contender: Contender, image: FakeManifest, tag: string): Promise<void> {
  const blobs = [...image.layers, ...(image.config ? [image.config] : [])];
  if (contender.root !== undefined) return await putFiles(contender.root, image, blobs, tag);
  const authorization = await contender.authorization('pull,push');
  const headers = authorization === undefined ? {} : { authorization };
  for (const blob of blobs) await pushBlob(contender.base, headers, blob);
  await expectStatus(
    await fetch(`${contender.base}/manifests/${tag}`, {
      method: 'PUT',
      headers: { ...headers, 'content-type': image.mediaType },
      body: image.payload,
    }),
    201,
  );
}

async function putFiles(
  root: string,
  image: FakeManifest,
  blobs: readonly FakeBlob[],
  tag: string,
): Promise<void> {
  mkdirSync(join(root, 'manifests'), { recursive: true });
  mkdirSync(join(root, 'blobs'), { recursive: true });
  writeFileSync(join(root, 'manifests', tag), image.payload);
  for (const blob of blobs) {
    const file = createWriteStream(join(root, 'blobs', blob.digest));
    await pipeline(Readable.from(blob.read(0, blob.size)), file);
  }
}

async function pushBlob(base: string, headers: Record<string, string>, blob: FakeBlob): Promise<void> {
  const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST', headers });
  await expectStatus(started, 202);
  const location = new URL(started.headers.get('location') ?? '', base);
  location.searchParams.set('digest', blob.digest);
  await expectStatus(
    await fetch(location, {
      method: 'PUT',
      headers: {
        ...headers,
        'content-type': 'application/octet-stream',
        'content-length': String(blob.size),
      },
      body: Readable.from(blob.read(0, blob.size)),
      duplex: 'half',
    }),
    201,
  );
}

async function expectStatus(response: Response, status: number): Promise<void> {
  if (response.status !== status)
    throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}
