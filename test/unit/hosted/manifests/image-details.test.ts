import { expect, test } from 'vitest';
import { ImageDetailsReader } from '../../../../src/hosted/manifests/image-details.ts';
import { ImageFactsReader } from '../../../../src/hosted/manifests/image-facts.ts';
import { ociIndex, ociManifest } from '../../../../src/oci/media-types.ts';
import { cosignTags, referrerKindOf } from '../../../../src/oci/referrer-kind.ts';
import { describeEachDatabase } from '../../../support/databases.ts';
import {
  descriptorOf,
  fakeArtifact,
  fakeImage,
  fakeIndex,
  seededBlob,
} from '../../../support/fake-content.ts';
import { manifestOf as recordOf } from '../../../support/hosted-records.ts';
import { silentLog } from '../../../support/silent-log.ts';
import {
  emptyConfig,
  type HostedKit,
  manifestOf,
  pushBlob,
  pushImage,
  putManifest,
  startHosted,
} from '../hosted-kit.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1)] });

/** With the id of acme/shop. */
async function read({ database, store }: HostedKit) {
  const options = { database, store, log: silentLog };
  const { id } = (await database.repositories.findByName('acme/shop')) ?? expect.fail('no repository');
  return { id, reader: new ImageDetailsReader(options, new ImageFactsReader(options)) };
}

async function describe(kit: HostedKit, digest = image.digest) {
  const { id, reader } = await read(kit);
  return reader.describe(id, digest);
}

describeEachDatabase('the details of an image', (_open, each) => {
  test('are none of a manifest that the repository does not have', async () => {
    const kit = await startHosted(each);
    await pushBlob(await kit.repository(), 'hello');
    expect(await describe(kit)).toBeUndefined();
    const { reader, id } = await read(kit);
    expect(await reader.findFacts(id, image.digest)).toBeUndefined();
  });

  test('are its own, and those of the images that it lists, as far as they are there', async () => {
    const kit = await startHosted(each, { sparseManifests: 'indexes' });
    await pushImage(await kit.repository(), image);
    const index = fakeIndex({ manifests: [image, fakeImage({ architecture: 'arm64' })] });
    await putManifest(await kit.repository(), index, 'v1');
    const bytes = 1000 + (image.config?.size ?? 0);
    expect(await describe(kit, index.digest)).toEqual({
      facts: expect.objectContaining({ kind: 'index' }),
      summary: expect.objectContaining({ digest: index.digest, totalBytes: bytes }),
      manifestBytes: index.payload.length,
      children: new Map([
        [image.digest, expect.objectContaining({ digest: image.digest, totalBytes: bytes })],
      ]),
      attached: [],
    });
    const { reader, id } = await read(kit);
    expect(await reader.findFacts(id, image.digest)).toMatchObject({ kind: 'image' });
  });
});

describeEachDatabase('what is attached to an image', (_open, each) => {
  test('is found by its subject, and by the tags of cosign, each once', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image, 'v1');
    const sbom = fakeArtifact(image, 'application/spdx+json', { note: 'by oras' });
    await pushBlob(repository, '{}');
    await putManifest(repository, sbom, sbom.digest);
    const payload = await pushBlob(repository, 'a signature');
    const layer = {
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      digest: payload,
      size: 11,
    };
    const signed = { schemaVersion: 2, mediaType: ociManifest, config: emptyConfig, layers: [layer] };
    const [sig, att] = cosignTags(image.digest);
    const { digest } = await putManifest(repository, manifestOf(signed), sig?.tag ?? '');
    // Whoever puts the referrer under a tag, too.
    await putManifest(repository, sbom, att?.tag ?? '');
    expect((await describe(kit))?.attached).toEqual([
      {
        ...descriptorOf(sbom),
        artifactType: 'application/spdx+json',
        annotations: { note: 'by oras' },
        kind: 'sbom',
        foundBy: 'subject',
      },
      {
        digest,
        mediaType: ociManifest,
        size: expect.any(Number),
        artifactType: 'application/vnd.dev.cosign.simplesigning.v1+json',
        annotations: {},
        kind: 'signature',
        foundBy: 'tag',
        tag: sig?.tag,
      },
    ]);
  });

  test('is what BuildKit lists beside it in an index', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image);
    const attestation = fakeImage({ layers: [seededBlob(10, 2)], architecture: 'unknown' });
    await pushImage(repository, attestation);
    const index = manifestOf({
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: [
        { ...descriptorOf(image), platform: { os: 'linux', architecture: 'amd64' } },
        {
          ...descriptorOf(attestation),
          platform: { os: 'unknown', architecture: 'unknown' },
          annotations: {
            'vnd.docker.reference.type': 'attestation-manifest',
            'vnd.docker.reference.digest': image.digest,
          },
        },
      ],
    });
    const { digest } = await putManifest(repository, index, 'v1');
    expect((await describe(kit, digest))?.attached).toEqual([
      {
        ...descriptorOf(attestation),
        kind: 'attestation',
        foundBy: 'index',
        artifactType: undefined,
        annotations: {
          'vnd.docker.reference.type': 'attestation-manifest',
          'vnd.docker.reference.digest': image.digest,
        },
      },
    ]);
  });

  test('has the type of its first layer where it is under a tag, or its own where it has none', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image);
    await pushBlob(repository, '{}');
    const [sig, att, sbom] = cosignTags(image.digest).map(({ tag }) => tag);
    const bare = { schemaVersion: 2, mediaType: ociManifest, config: emptyConfig, layers: [] };
    await putManifest(repository, manifestOf(bare), sig ?? '');
    const typed = { ...bare, artifactType: 'application/x.attestation', annotations: { a: 'b' } };
    const attestation = manifestOf(typed);
    await putManifest(repository, attestation, att ?? '');
    await putManifest(
      repository,
      manifestOf({ schemaVersion: 2, mediaType: ociIndex, manifests: [] }),
      sbom ?? '',
    );
    expect((await describe(kit))?.attached).toMatchObject([
      { artifactType: emptyConfig.mediaType, kind: 'signature', tag: sig, annotations: {} },
      {
        artifactType: 'application/x.attestation',
        kind: 'attestation',
        tag: att,
        annotations: { a: 'b' },
        size: attestation.payload.length,
      },
      { artifactType: undefined, kind: 'sbom', tag: sbom },
    ]);
  });

  test('is two hundred at most', async () => {
    const kit = await startHosted(each);
    await pushImage(await kit.repository(), image);
    const { id } = await read(kit);
    await kit.database.transaction(async (tx) => {
      for (let index = 0; index < 201; index += 1) {
        const subject = image.digest;
        await tx.repositoryManifests.save(id, recordOf(`{"number":${index}}`, { subject }));
      }
    });
    expect((await describe(kit))?.attached).toHaveLength(200);
  });
});

test.each([
  ['application/vnd.cncf.notary.signature', {}, 'signature'],
  ['application/vnd.dev.sigstore.bundle.v0.3+json', {}, 'signature'],
  [
    'application/vnd.dev.sigstore.bundle.v0.3+json',
    { 'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1' },
    'attestation',
  ],
  ['application/vnd.in-toto+json', {}, 'attestation'],
  ['application/vnd.cyclonedx+json', {}, 'sbom'],
  ['application/vnd.acme.thing', {}, undefined],
  ['constructor', {}, undefined],
])('%s with %j is a kind of its own: %s', (type, annotations, kind) => {
  expect(referrerKindOf(type, annotations)).toBe(kind);
});
