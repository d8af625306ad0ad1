import { describe, expect, test } from 'vitest';
import {
  acceptManifest,
  listRequired,
  type SparseManifests,
} from '../../../../src/hosted/manifests/manifest-acceptance.ts';
import { digestOf } from '../../../../src/oci/digest.ts';
import type { OciError } from '../../../../src/oci/errors.ts';
import { dockerList, dockerManifest, ociIndex, ociManifest } from '../../../../src/oci/media-types.ts';

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
    [
      'is what the body says for what curl says of any body',
      { ...image, mediaType: dockerManifest },
      'application/x-www-form-urlencoded',
      dockerManifest,
    ],
    [
      'is what the client says where the body has an empty one',
      { ...index, mediaType: '' },
      ociIndex,
      ociIndex,
    ],
    [
      'is told by the shape where the body has an empty one',
      { ...image, mediaType: '' },
      undefined,
      ociManifest,
    ],
    [
      'is told by the shape of an index whose list is null',
      { ...index, manifests: null },
      undefined,
      ociIndex,
    ],
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
    ['a list', '[]', ociManifest, 'is no JSON object'],
    [
      'too many references',
      { ...image, layers: Array(5).fill(config) },
      ociManifest,
      'refers to more than 5 blobs and manifests',
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

describe('what is pushed reads the same to everyone:', () => {
  const layer = descriptor('layer');
  const text = JSON.stringify({ ...image, layers: [layer] });
  const withLayer = (more: object) => ({ ...image, layers: [descriptor('layer', more)] });
  test.each([
    ['a field in another case', text.replace('layers', 'Layers'), "400: 'Layers' must be written 'layers'"],
    [
      'a field that is there in two cases',
      { ...image, layers: [], LAYERS: [layer] },
      "'LAYERS' must be written",
    ],
    ['a letter that Go folds to an s', text.replace('layers', 'layerſ'), "'layerſ' must be written 'layers'"],
    ['the same, escaped', text.replace('layers', 'layer\\u017f'), "'layerſ' must be written 'layers'"],
    [
      'a field of a descriptor in another case',
      withLayer({ Digest: layer.digest }),
      "layers.0: 'Digest' must be",
    ],
    [
      'a platform in another case',
      { ...index, manifests: [descriptor('x', { platform: { OS: 'linux' } })] },
      "platform: 'OS'",
    ],
    ['a field that is there twice', text.replace('"layers"', '"layers":[],"layers"'), 'says something twice'],
    ['the same, escaped', text.replace('"layers"', '"l\\u0061yers":[],"layers"'), 'says something twice'],
    [
      'a field of a descriptor that is there twice',
      text.replace('"size"', '"size":1,"size"'),
      'says something twice',
    ],
    ['a byte-order mark', `\ufeff${text}`, 'begins with a byte-order mark'],
    ['a size with a fraction', text.replace('"size":5', '"size":5.0'), 'has a size with a fraction'],
    ['a size with an exponent', text.replace('"size":5', '"size":2e0'), 'has a size with a fraction'],
    ['the same, escaped', text.replace('"size":5', '"s\\u0069ze" : 2E0'), 'has a size with a fraction'],
    ['a version with a fraction', text.replace(':2,', ':2.0,'), 'has a schemaVersion with a fraction'],
    ['a size below nothing', withLayer({ size: -1 }), 'layers.0.size: is no number of bytes'],
    ['a size that is a text', withLayer({ size: '5' }), 'layers.0.size: is no number of bytes'],
    [
      'a size that no float holds',
      text.replace('"size":5', '"size":9007199254740993'),
      'layers.0.size: is no number',
    ],
    ['a digest in capitals', withLayer({ digest: layer.digest.toUpperCase() }), 'layers.0.digest: is not'],
    [
      'a NUL in the type of a layer',
      withLayer({ mediaType: 'a/b\0' }),
      'layers.0.mediaType: is no media type',
    ],
    [
      'half of a pair in the type of a config',
      { ...image, config: { ...config, mediaType: 'a/\ud800' } },
      'config.mediaType',
    ],
    [
      'a long type of a subject',
      { ...image, subject: { ...config, mediaType: 'a'.repeat(256) } },
      'subject.mediaType',
    ],
    ['a NUL in the type of an artifact', { ...image, artifactType: '\0' }, 'artifactType: is no media type'],
    [
      'a NUL in the type of an artifact that is listed',
      { ...index, manifests: [descriptor('x', { artifactType: 'a\n' })] },
      'manifests.0.artifactType',
    ],
    ['annotations that are no texts', { ...image, annotations: { a: 1 } }, 'annotations: are not all texts'],
    [
      'deep nesting',
      text.replace('{', `{"x":${'['.repeat(100)}${']'.repeat(100)},`),
      'nested deeper than 64 levels',
    ],
  ])('%s is refused', (_, content, reason) => {
    const refusal = refusalOf(content);
    expect(refusal).toMatch(/^MANIFEST_INVALID 400: /);
    expect(refusal).toContain(reason);
  });

  test.each([
    ['a type of 255 characters', withLayer({ mediaType: 'a'.repeat(255) })],
    ['numbers with fractions in what nobody knows', { ...image, extra: { weight: 1.5 } }],
    [
      'texts that look like fields',
      { ...image, annotations: { '"size":1.5': '"Layers": {"size": 2e0}', Layers: '' } },
    ],
    ['whatever a text of an annotation is', { ...image, annotations: { a: '\0\ud800' } }],
    ['null for the text of an annotation', { ...image, annotations: { a: null } }],
    [
      'null for all that may be missing',
      {
        ...image,
        subject: null,
        annotations: null,
        manifests: null,
        artifactType: null,
        layers: null,
        mediaType: null,
        config: { ...config, urls: null, annotations: null, platform: null, data: null },
      },
    ],
  ])('%s is not', (_, content) => {
    expect(refusalOf(content, ociManifest)).toBe(`accepted as ${ociManifest}`);
  });

  test('an index whose lists are null is one of nothing', () => {
    expect(
      accept({ schemaVersion: 2, manifests: null, layers: null, config: null, subject: null }, ociIndex)
        .references,
    ).toEqual([]);
    expect(refusalOf({ schemaVersion: 2, config: null, layers: [] }, ociManifest)).toContain(
      "must have 'config'",
    );
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
