import { expect, test } from 'vitest';
import { parseReference } from '../../../../src/oci/reference.ts';
import type { Outcome } from '../../../../src/oci/repository.ts';
import { ImageWarming } from '../../../../src/proxy/prewarm/image-warming.ts';
import {
  bytesBlob,
  descriptorOf,
  type FakeManifest,
  fakeArtifact,
  fakeImage,
  fakeIndex,
} from '../../../support/fake-content.ts';
import { MemoryRepository } from '../../../support/memory-repository.ts';

const [amd, arm] = [
  fakeImage({ architecture: 'amd64', layers: [bytesBlob('amd')] }),
  fakeImage({ architecture: 'arm64', layers: [bytesBlob('arm')] }),
];
const index = fakeIndex({ manifests: [amd, arm] });

function repositoryOf(images: readonly FakeManifest[], outcome: Outcome = 'miss'): MemoryRepository {
  const repository = new MemoryRepository(outcome);
  for (const image of images) repository.addImage(image, 'v1');
  return repository;
}

/** What was asked for, and what was told of bytes. */
async function warm(repository: MemoryRepository, platforms: readonly string[] = [], reference = 'v1') {
  const fetched: number[] = [];
  const onFetched = async (bytes: number) => void fetched.push(bytes);
  const { signal } = new AbortController();
  await new ImageWarming({ repository, platforms, onFetched, signal }).run(parseReference(reference));
  return { asked: repository.asked, fetched };
}

function blobsOf({ config, layers }: FakeManifest): string[] {
  return [...(config ? [config] : []), ...layers].map(({ digest }) => `blob ${digest}`);
}

test('of an index, the children of the platforms are fetched, each with its config and its layers', async () => {
  const { asked, fetched } = await warm(repositoryOf([amd, arm, index]), ['linux/arm64']);
  expect(asked).toEqual(['manifest head v1', `manifest head ${arm.digest}`, ...blobsOf(arm)]);
  expect(fetched).toEqual([index.payload.length, arm.payload.length, arm.config?.size, 3]);
});

test('without platforms all children are fetched, and what two of them share once', async () => {
  const twin = fakeImage({ architecture: 'arm64', layers: [bytesBlob('amd'), bytesBlob('more')] });
  const { asked } = await warm(repositoryOf([amd, twin, fakeIndex({ manifests: [amd, twin, amd] })]));
  expect(asked).toEqual([
    'manifest head v1',
    `manifest head ${amd.digest}`,
    ...blobsOf(amd),
    `manifest head ${twin.digest}`,
    ...blobsOf(twin).filter((blob) => !blobsOf(amd).includes(blob)),
  ]);
});

test('what is here already is told of as no bytes', async () => {
  expect((await warm(repositoryOf([amd], 'hit'))).fetched).toEqual([]);
});

test('of an image that is of one platform, the config alone is fetched where another is asked for', async () => {
  const repository = repositoryOf([amd]);
  await expect(warm(repository, ['linux/arm64', 'linux/amd64', 'linux/s390x'])).rejects.toMatchObject({
    code: 'MANIFEST_UNKNOWN',
    detail: 'the image is not there for linux/arm64, linux/s390x; its platforms: linux/amd64',
  });
  expect(repository.asked).toEqual(['manifest head v1', ...blobsOf(amd)]);
  const other = repositoryOf([amd]);
  await expect(warm(other, ['linux/arm64'])).rejects.toThrow('not there for linux/arm64');
  expect(other.asked).toEqual(['manifest head v1', `blob ${amd.config?.digest}`]);
});

test('what an index has for nobody is passed over, and not named to people', async () => {
  const attestation = { ...descriptorOf(arm), platform: { os: 'unknown', architecture: 'unknown' } };
  const repository = repositoryOf([amd]);
  const manifests = [attestation, { ...descriptorOf(amd), platform: { os: 'linux', architecture: 'amd64' } }];
  repository.add(JSON.stringify({ schemaVersion: 2, manifests }), 'v1');
  await expect(warm(repository, ['linux/arm64'])).rejects.toThrow(/its platforms: linux\/amd64$/);
  expect(repository.asked).toEqual(['manifest head v1']);
});

test('a child that an index says nothing of is looked into, and so is an index in an index', async () => {
  const repository = repositoryOf([amd, arm]);
  const inner = repository.add(JSON.stringify({ schemaVersion: 2, manifests: [amd, arm].map(descriptorOf) }));
  const manifests = [{ mediaType: index.mediaType, digest: inner, size: 1 }];
  repository.add(JSON.stringify({ schemaVersion: 2, manifests }), 'v1');
  const { asked } = await warm(repository, ['linux/arm64']);
  expect(asked).toContain(`blob ${arm.layers[0]?.digest}`);
  expect(asked).not.toContain(`blob ${amd.layers[0]?.digest}`);
});

test('what has no platform, as a chart, is for each, and layers that are elsewhere are left there', async () => {
  const chart = fakeArtifact(amd, 'application/x.chart');
  const { asked } = await warm(repositoryOf([chart]), ['linux/arm64']);
  expect(asked).toContain(`blob ${chart.config?.digest}`);
  const layer = {
    mediaType: 'application/x',
    digest: bytesBlob('away').digest,
    size: 4,
    urls: ['https://x.test'],
  };
  const repository = new MemoryRepository('miss');
  repository.add(JSON.stringify({ schemaVersion: 2, layers: [layer] }), 'v1');
  expect((await warm(repository, ['linux/arm64'])).asked).toEqual(['manifest head v1']);
});

test('a config that is too large, or no JSON, says no platform', async () => {
  for (const text of [' '.repeat(1024 * 1024 + 1), 'no JSON']) {
    const image = fakeImage({ config: bytesBlob(text), layers: [bytesBlob('layer')] });
    const { asked } = await warm(repositoryOf([image]), ['linux/arm64']);
    expect(asked).toEqual(['manifest head v1', ...blobsOf(image)]);
  }
});

test('what may not be the newest is no success', async () => {
  await expect(warm(repositoryOf([amd], 'stale'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('an index of very many manifests is refused', async () => {
  const repository = new MemoryRepository('hit');
  const manifests = Array.from({ length: 1001 }, (_, number) => ({
    digest: repository.add(
      JSON.stringify({ schemaVersion: 2, layers: [], annotations: { number: `${number}` } }),
    ),
    mediaType: index.mediaType,
    size: 1,
  }));
  repository.add(JSON.stringify({ schemaVersion: 2, manifests }), 'v1');
  await expect(warm(repository)).rejects.toThrow('more than 1000 manifests');
});

test('who wants no more of it is obeyed at once', async () => {
  const repository = repositoryOf([amd]);
  const onFetched = () => Promise.reject(new Error('enough'));
  const { signal } = new AbortController();
  const warming = new ImageWarming({ repository, platforms: [], onFetched, signal });
  await expect(warming.run(parseReference('v1'))).rejects.toThrow('enough');
  expect(repository.asked).toEqual(['manifest head v1']);
});
