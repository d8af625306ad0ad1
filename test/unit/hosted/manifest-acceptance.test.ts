import { describe, expect, test } from 'vitest';
import {
  acceptManifest,
  listRequired,
  type SparseManifests,
} from '../../../src/hosted/manifest-acceptance.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import type { OciError } from '../../../src/oci/errors.ts';
import { dockerList, dockerManifest, ociIndex, ociManifest } from '../../../src/oci/media-types.ts';

const limits = { maxBytes: 4096, maxReferences: 5 };
const schema1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

function descriptor(text: string, more: object = {}) {
  return { mediaType: 'application/x', digest: digestOf(Buffer.from(text)), size: text.length, ...more };
}

const config = descriptor('config');
const image = { schemaVersion: 2, config, layers: [] };
const index = { schemaVersion: 2, manifests: [] };

function accept(content: object | string, contentType?: string) {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return acceptManifest(Buffer.from(text), contentType, limits);
}

/** What is said of it: status and sentence. */
function refusalOf(content: object | string, contentType?: string): string {
  try {
    return `accepted as ${accept(content, contentType).mediaType}`;
  } catch (error) {
    const { code, status, detail } = error as OciError;
    return `${code} ${status}: ${detail}`;
  }
}

describe('the type of a manifest', () => {
  test.each([
    ['is what the client says', image, dockerManifest, dockerManifest],
    ['is what the client says, without parameters', image, `${ociManifest}; charset=utf-8`, ociManifest],
    [
      'is what the body says where the client does not',
      { ...image, mediaType: dockerManifest },
      undefined,
      dockerManifest,
    ],
    [
      'is what the body says for octet-stream',
      { ...index, mediaType: dockerList },
      'application/octet-stream',
      dockerList,
    ],
    ['is what the body says for plain JSON', { ...index, mediaType: ociIndex }, 'application/json', ociIndex],
    ['is told by the shape of an image where nobody says it', image, undefined, ociManifest],
    ['is told by the shape of an index where nobody says it', index, 'application/json', ociIndex],
  ])('%s', (_, content, contentType, mediaType) => {
    expect(accept(content, contentType).mediaType).toBe(mediaType);
  });

  test.each([
    ['another one', image, 'application/vnd.example+json'],
    ['another one in the body alone', { ...image, mediaType: 'application/vnd.example+json' }, undefined],
  ])('is refused with 415 where it is %s', (_, content, contentType) => {
    expect(refusalOf(content, contentType)).toMatch(/^MANIFEST_INVALID 415: .*is no type of a manifest/);
  });

  test('is refused where client and body contradict each other', () => {
    expect(refusalOf({ ...image, mediaType: ociManifest }, dockerManifest)).toBe(
      `MANIFEST_INVALID 400: the Content-Type is ${dockerManifest}, and the manifest itself says ${ociManifest}`,
    );
  });

  test.each([
    ['its type', '{"schemaVersion":2}', schema1],
    ['its version', '{"schemaVersion":1,"fsLayers":[]}', undefined],
    ['its version, under another type', '{"schemaVersion":1,"fsLayers":[]}', dockerManifest],
  ])('schema 1 is refused clearly, told by %s', (_, content, contentType) => {
    expect(refusalOf(content, contentType)).toMatch(/^MANIFEST_INVALID 400: .*schema 1 is not supported/);
  });
});

describe('what a manifest has', () => {
  test.each([
    ['an image that lists manifests', { ...image, manifests: [] }, ociManifest, "must not have 'manifests'"],
    ['an index with layers', { ...index, layers: [] }, ociIndex, "must not have 'layers'"],
    ['an index with a config', { ...index, config }, undefined, "must not have 'config'"],
    ['an image without a config', { schemaVersion: 2, layers: [] }, ociManifest, "must have 'config'"],
    ['an index without manifests', { schemaVersion: 2 }, dockerList, "must have 'manifests'"],
    [
      'a digest that is none',
      { ...image, config: descriptor('x', { digest: 'sha256:short' }) },
      ociManifest,
      'config.digest: is not a sha256 or sha512 digest',
    ],
    ['what is no JSON', '{"schemaVersion":2', ociManifest, 'is not JSON'],
    ['a list', '[]', ociManifest, 'expected object'],
    [
      'too many references',
      { ...image, layers: Array(5).fill(config) },
      ociManifest,
      'refers to 6 blobs and manifests, over 5',
    ],
  ])('refuses %s', (_, content, contentType, reason) => {
    const refusal = refusalOf(content, contentType);
    expect(refusal).toMatch(/^MANIFEST_INVALID 400: /);
    expect(refusal).toContain(reason);
  });

  test('refuses what is too large with 413', () => {
    expect(refusalOf({ ...image, padding: 'x'.repeat(4096) })).toMatch(/^MANIFEST_INVALID 413: .*over 4096$/);
  });

  test('accepts fields and types that nobody knows, and null for what is left out', () => {
    const content = {
      ...image,
      layers: [descriptor('layer', { mediaType: 'application/wasm', data: 'bGF5ZXI=', extra: [1] })],
      annotations: null,
      manifests: null,
      extra: { deep: true },
    };
    expect(accept(content, ociManifest).references).toHaveLength(2);
  });
});

describe('what a manifest needs', () => {
  function required(content: object, sparse: SparseManifests = 'none'): string[] {
    return listRequired(accept(content), sparse).map(({ kind }) => kind);
  }
  const layer = descriptor('layer');

  test('is its config and each of its layers once, but not its subject', () => {
    const content = { ...image, layers: [layer, descriptor('other'), layer], subject: descriptor('absent') };
    expect(required(content)).toEqual(['config', 'layer', 'layer']);
  });

  test.each([
    [
      'nondistributable by OCI',
      { mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' },
    ],
    ['foreign to Docker', { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }],
    ['to be had from elsewhere', { urls: ['https://example.com/layer'] }],
  ])('is not a layer that is %s', (_, more) => {
    expect(required({ ...image, layers: [descriptor('foreign', more)] })).toEqual(['config']);
  });

  test('is a layer whose list of urls is empty', () => {
    expect(required({ ...image, layers: [descriptor('layer', { urls: [] })] })).toEqual(['config', 'layer']);
  });

  test.each<[SparseManifests, string[], string[]]>([
    ['none', ['config', 'layer'], ['manifest']],
    ['indexes', ['config', 'layer'], []],
    ['all', [], []],
  ])('is less where sparse manifests are allowed: %s', (sparse, ofImage, ofIndex) => {
    expect(required({ ...image, layers: [layer] }, sparse)).toEqual(ofImage);
    expect(required({ ...index, manifests: [layer] }, sparse)).toEqual(ofIndex);
  });
});
