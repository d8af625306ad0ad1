import { describe, expect, test } from 'vitest';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import { LocalUpstream, localPathOf } from '../../../src/upstreams/local-upstream.ts';
import { RecordingLog, settingsOf } from './kit.ts';

const app = parseRepositoryName('app');

function localAt(path: string, patterns: { allowPatterns?: string[]; denyPatterns?: string[] } = {}) {
  return new LocalUpstream(settingsOf({ url: `entrepot:${path}`, ...patterns }), path, new RecordingLog());
}

test('the URL of a local upstream has a path, that of a remote one has none', () => {
  expect(localPathOf('entrepot:acme/shop')).toBe('acme/shop');
  expect(localPathOf('https://registry.example.com')).toBeUndefined();
  expect(localPathOf('https://registry.example.com/entrepot:acme')).toBeUndefined();
});

describe('an image of a local upstream', () => {
  test('is called what it is below its path', () => {
    const upstream = localAt('acme/shop');
    expect([upstream.nameOf(app), upstream.repositoryOf(app)]).toEqual(['acme/shop/app', 'acme/shop/app']);
    expect(upstream.settings).toMatchObject({ id: 7, url: 'entrepot:acme/shop' });
  });

  test('has no repository where that is too long to be a name', () => {
    const long = parseRepositoryName('a'.repeat(250));
    expect(localAt('b'.repeat(250)).nameOf(long)).toHaveLength(501);
    expect(localAt('b'.repeat(250)).repositoryOf(long)).toBeUndefined();
  });

  test('is below the path without what is stripped, and with what is added', () => {
    const settings = settingsOf({ url: 'entrepot:acme', stripPrefix: 'ours', addPrefix: 'shop' });
    const upstream = new LocalUpstream(settings, 'acme', new RecordingLog());
    const ours = parseRepositoryName('ours/app');
    expect([upstream.repositoryOf(ours), upstream.allows(ours)]).toEqual(['acme/shop/app', true]);
    expect(upstream.allows(app)).toBe(false);
  });

  test('is matched by its name below the path', () => {
    const upstream = localAt('acme/shop', {
      allowPatterns: ['app', 'acme/**'],
      denyPatterns: ['acme/shop/*'],
    });
    const names = ['app', 'other', 'acme/shop/app', 'acme/app'];
    expect(names.filter((name) => upstream.allows(parseRepositoryName(name)))).toEqual(['app', 'acme/app']);
  });
});
