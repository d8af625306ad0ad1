import { expect, test } from 'vitest';
import { ImageDetailsReader } from '../../../../src/hosted/manifests/image-details.ts';
import { ImageFactsReader } from '../../../../src/hosted/manifests/image-facts.ts';
import { ociIndex, ociManifest } from '../../../../src/oci/media-types.ts';
import { cosignTags, referrerKindOf } from '../../../../src/oci/referrer-kind.ts';
import { describeEachDatabase } from '../../../support/databases.ts';
import { descriptorOf, fakeArtifact, fakeImage, seededBlob } from '../../../support/fake-content.ts';
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

async function describe({ database, store }: HostedKit, digest = image.digest) {
  const options = { database, store, log: silentLog };
  const { id } = (await database.repositories.findByName('acme/shop')) ?? expect.fail('no repository');
  return new ImageDetailsReader(options, new ImageFactsReader(options)).describe(id, digest);
}

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
      expect.objectContaining({ digest: attestation.digest, kind: 'attestation', foundBy: 'index' }),
    ]);
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
