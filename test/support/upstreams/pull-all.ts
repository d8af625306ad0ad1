/** Everything of a played upstream, as a plain client pulls it through virtual registry 1. */
import { digestOf } from '../../../src/oci/digest.ts';
import type { TestApp } from '../app.ts';
import { bytesOf, manifestsOf, tagsOf } from '../bodies.ts';
import type { FakeBlob, FakeManifest } from '../fake-content.ts';
import { type Corpus, fallbackTagOf, repository, tags } from './played-upstream.ts';

export interface PulledAll {
  /** By tag: status, and the digest of what came. */
  readonly image: readonly string[];
  /** By its digest. */
  readonly pinned: readonly string[];
  readonly tags: readonly string[];
  readonly referrers: readonly string[];
}

/** What {@link pullAll} gives where nothing is missing. */
export function allOf({ image, pinned, artifact }: Corpus): PulledAll {
  const whole = (manifest: FakeManifest) => [
    `200 ${manifest.digest}`,
    ...blobsOf(manifest).flatMap(({ digest, size }) => [`200 ${size}`, `200 ${digest}`]),
  ];
  return {
    image: whole(image),
    pinned: whole(pinned),
    tags: [...tags, fallbackTagOf(image)].toSorted(),
    referrers: [artifact.digest],
  };
}

export async function pullAll(app: TestApp, { image, pinned }: Corpus): Promise<PulledAll> {
  return {
    image: await pullImage(app, image, 'latest'),
    pinned: await pullImage(app, pinned, pinned.digest),
    tags: (await listTags(app)).toSorted(),
    referrers: await listReferrers(app, image.digest),
  };
}

/** The manifest, and of each of its blobs the size and the bytes. */
export async function pullImage(app: TestApp, image: FakeManifest, reference: string): Promise<string[]> {
  const pulled = [await said(await app.manifest(repository, reference))];
  for (const { digest } of blobsOf(image)) {
    const head = await app.blob(repository, digest, { method: 'HEAD' });
    const { status, headers } = head;
    pulled.push(`${status} ${headers.get('content-length')}`, await said(await app.blob(repository, digest)));
  }
  return pulled;
}

async function said(answer: Response): Promise<string> {
  const bytes = await bytesOf(answer);
  return `${answer.status} ${answer.ok ? digestOf(bytes) : bytes}`;
}

async function listTags(app: TestApp): Promise<readonly string[]> {
  const answer = await app.v2(`virtual_registries/container/1/${repository}/tags/list`);
  return answer.ok ? tagsOf(answer) : [`${answer.status} ${await answer.text()}`];
}

async function listReferrers(app: TestApp, subject: string): Promise<string[]> {
  const answer = await app.v2(`virtual_registries/container/1/${repository}/referrers/${subject}`);
  return answer.ok
    ? (await manifestsOf(answer)).map(({ digest }) => digest)
    : [`${answer.status} ${await answer.text()}`];
}

function blobsOf({ config, layers }: FakeManifest): FakeBlob[] {
  return [...(config ? [config] : []), ...layers];
}
