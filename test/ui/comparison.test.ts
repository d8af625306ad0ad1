import { describe, expect, test } from 'vitest';
import { csvOf } from '../../ui/src/pages/places/csv.ts';
import { type ComparedImage, compare } from '../../ui/src/pages/repositories/comparison.ts';
import { pullByDigest, shortDigest } from '../../ui/src/pages/repositories/image-names.ts';
import { type Step, stepsOf } from '../../ui/src/pages/repositories/layer-steps.ts';

const layer = (name: string, size = 10) => ({
  digest: `sha256:${name}`,
  media_type: 'layer',
  size,
  annotations: {},
});
const step = (created_by: string, empty_layer = false): Step => ({
  created_at: null,
  created_by,
  comment: null,
  empty_layer,
});

function imageOf(
  name: string,
  layers: readonly ReturnType<typeof layer>[],
  labels: Record<string, string> = {},
): ComparedImage {
  return {
    name,
    path: `acme/shop:${name}`,
    location: `host/acme/shop:${name}`,
    digest: `sha256:${name}`,
    media_type: 'manifest',
    artifact_type: null,
    created_at: null,
    total_size: layers.reduce((sum, { size }) => sum + size, 0),
    annotations: {},
    platforms: [],
    image: {
      digest: `sha256:${name}`,
      platform: { os: null, architecture: null, variant: null, os_version: null },
      created_at: null,
      author: null,
      config: null,
      config_state: 'read',
      labels,
      annotations: {},
      layers,
      history: layers.map(({ digest }) => step(`made ${digest}`)),
    },
    referrers: [],
  };
}

describe('two images', () => {
  test('share the layers of the same digest, and differ in what only one says', () => {
    const left = imageOf('a', [layer('base', 100), layer('one', 5)], { version: '1', team: 'shop' });
    const right = imageOf('b', [layer('base', 100), layer('two', 8)], {
      version: '2',
      team: 'shop',
      new: 'x',
    });
    const { isSame, layers, differences, sizeDifference } = compare(left, right);
    expect(isSame).toBe(false);
    expect(layers.map(({ digest, side, command }) => [digest, side, command])).toEqual([
      ['sha256:base', 'both', 'made sha256:base'],
      ['sha256:one', 'left', 'made sha256:one'],
      ['sha256:two', 'right', 'made sha256:two'],
    ]);
    expect(new Set(layers.map(({ key }) => key)).size).toBe(3);
    expect(differences).toEqual([
      { name: 'new', left: undefined, right: 'x' },
      { name: 'version', left: '1', right: '2' },
    ]);
    expect(sizeDifference).toBe(3);
  });

  test('that are one are the same, and what is no image has no layers', () => {
    const image = imageOf('a', [layer('base')]);
    expect(compare(image, image)).toMatchObject({ isSame: true, differences: [], sizeDifference: 0 });
    expect(compare({ ...image, image: null }, { ...image, image: null }).layers).toEqual([]);
  });
});

describe('layers', () => {
  test('belong to the steps that made them, in their order', () => {
    const [first, second] = [layer('1'), layer('2')];
    const history = [step('FROM'), step('ENV', true), step('RUN')];
    expect(stepsOf([first, second], history)).toEqual([
      { step: history[0], layer: first },
      { step: history[1], layer: undefined },
      { step: history[2], layer: second },
    ]);
  });

  test('stand for themselves where the history is of others', () => {
    expect(stepsOf([layer('1')], [step('FROM'), step('RUN')])).toEqual([
      { layer: layer('1'), step: undefined },
    ]);
    expect(stepsOf([], [])).toEqual([]);
  });
});

test('images are pulled by digest, and told apart by its beginning', () => {
  expect(pullByDigest('host/acme/shop', 'sha256:0123456789abcdef')).toBe(
    'docker pull host/acme/shop@sha256:0123456789abcdef',
  );
  expect(shortDigest('sha256:0123456789abcdef')).toBe('0123456789ab');
});

describe('CSV', () => {
  test('quotes what is in it', () => {
    expect(csvOf([{ id: '1', name: 'a "b", c' }])).toBe('"id","name"\r\n"1","a ""b"", c"\r\n');
    expect(csvOf([])).toBe('\r\n');
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])(
    'takes %j for a text, and no formula',
    (text) => {
      expect(csvOf([{ name: text }])).toBe(`"name"\r\n"'${text}"\r\n`);
    },
  );
});
