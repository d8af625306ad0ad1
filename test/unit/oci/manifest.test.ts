import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { OciError } from '../../../src/oci/errors.ts';
import { parseManifest, servedTypeOf } from '../../../src/oci/manifest.ts';
import { ociManifest, octetStream } from '../../../src/oci/media-types.ts';

const descriptor = (text: string, more: object = {}) => ({
  mediaType: 'application/x',
  digest: digestOf(Buffer.from(text)),
  size: text.length,
  ...more,
});
const image = { schemaVersion: 2, config: descriptor('config'), layers: [descriptor('layer')] };

function parse(content: object | string) {
  return parseManifest(
    Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
    undefined,
  );
}

function referencesOf(content: object | string): string[] {
  return parse(content).references.map(({ kind, digest, size }) => `${kind} ${size} ${digest.slice(7, 11)}`);
}

describe('of a manifest from elsewhere, what clients written in Go refer to is known:', () => {
  const plain = referencesOf(image);
  const text = JSON.stringify(image);
  const other = descriptor('another layer');
  const [, second = ''] = referencesOf({ ...image, layers: [other] });
  test.each([
    ['names in another case', text.replace('layers', 'LAYERS').replace('"digest"', '"Digest"'), plain],
    ['letters that Go folds', text.replace('layers', 'layerſ').replaceAll('"size"', '"ſize"'), plain],
    ['names that are there twice', text.replace('"layers"', '"layers":[],"layers"'), plain],
    ['lists in two cases', { ...image, Layers: [other] }, [...plain, second]],
    ['an object that is put together of two', { ...image, config: { size: 6 }, Config: image.config }, plain],
    ['null, which changes nothing', { ...image, Layers: null, CONFIG: null }, plain],
    ['a byte-order mark', `\ufeff${text}`, plain],
    ['a size with a fraction', text.replace('"size":5', '"size":5.0'), plain],
  ])('%s', (_, content, references) => {
    expect(referencesOf(content)).toEqual(references);
  });
});

test('of a manifest from elsewhere, what no column holds is left out', () => {
  const parsed = parse({
    ...image,
    artifactType: '\0',
    mediaType: 'a'.repeat(256),
    layers: [descriptor('layer', { mediaType: '\0' }), descriptor('other', { mediaType: '\ud800' })],
  });
  expect(parsed.artifactType).toBe('application/x');
  expect(parsed.bodyType).toBeUndefined();
  expect(parsed.references.map(({ mediaType }) => mediaType)).toEqual([
    'application/x',
    octetStream,
    octetStream,
  ]);
  expect(servedTypeOf(parsed)).toBe(ociManifest);
});

test.each([
  ['deep nesting', `${'['.repeat(1_000_000)}`, 'nested deeper than 64 levels'],
  ['objects without end', `[${'{"a":1},'.repeat(50_000)}1]`, 'has more than 30000 members'],
  ['values without end', `[${'1,'.repeat(200_000)}1]`, 'has more than 120000 values'],
  ['what is no JSON', '{', 'is not JSON'],
])('a manifest of %s is refused, and it is said why', (_, text, reason) => {
  expect(() => parse(text)).toThrow(OciError);
  expect(() => parse(text)).toThrow(reason);
});
