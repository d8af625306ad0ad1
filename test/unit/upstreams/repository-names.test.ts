import { describe, expect, test } from 'vitest';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import { maxGlobLength } from '../../../src/rules/glob.ts';
import { createKit } from './kit.ts';

const alpine = parseRepositoryName('alpine');
const nested = parseRepositoryName('bitnami/redis');

describe('the name at the upstream', () => {
  test.each([
    'https://registry-1.docker.io',
    'https://docker.io/',
    'https://index.docker.io/v2/',
    'https://registry.hub.docker.com',
  ])('gets library/ at %s where it has one segment', (url) => {
    const { upstream } = createKit({ url });
    expect(upstream.repositoryOf(alpine)).toBe('library/alpine');
    expect(upstream.repositoryOf(nested)).toBe('bitnami/redis');
  });

  test('stays where it is too long for library/', () => {
    const { upstream } = createKit({ url: 'https://docker.io' });
    const [long, longest] = ['a'.repeat(247), 'a'.repeat(248)].map(parseRepositoryName) as [
      typeof alpine,
      typeof alpine,
    ];
    expect(upstream.repositoryOf(long)).toBe(`library/${long}`);
    expect(upstream.repositoryOf(longest)).toBe(longest);
  });

  test('is the same at any other registry', () => {
    expect(createKit({ url: 'https://ghcr.io' }).upstream.repositoryOf(alpine)).toBe('alpine');
    expect(createKit({ url: 'https://docker.io.example.com' }).upstream.repositoryOf(alpine)).toBe('alpine');
  });
});

describe('prefixes', () => {
  function named(settings: Parameters<typeof createKit>[0], ...names: string[]): (string | undefined)[] {
    const { upstream } = createKit(settings);
    return names.map((name) => upstream.repositoryOf(parseRepositoryName(name)));
  }

  test('one is added to every name', () => {
    expect(named({ addPrefix: 'acme/hub' }, 'alpine', 'library/alpine')).toEqual([
      'acme/hub/alpine',
      'acme/hub/library/alpine',
    ]);
  });

  test('one is stripped, and names that do not have it are not asked for', () => {
    expect(named({ stripPrefix: 'hub' }, 'hub/alpine', 'hub', 'hubs/alpine', 'a/hub/b')).toEqual([
      'alpine',
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('both make one of the other, and library/ is added last', () => {
    const url = 'https://registry-1.docker.io';
    expect(named({ stripPrefix: 'old', addPrefix: 'new' }, 'old/app')).toEqual(['new/app']);
    expect(named({ url, stripPrefix: 'hub' }, 'hub/alpine')).toEqual(['library/alpine']);
    expect(named({ url, addPrefix: 'bitnami' }, 'redis')).toEqual(['bitnami/redis']);
  });

  test('a name that is too long with one is not asked for', () => {
    expect(named({ addPrefix: 'acme' }, 'a'.repeat(250), 'a'.repeat(251))).toEqual([
      `acme/${'a'.repeat(250)}`,
      undefined,
    ]);
  });

  test('patterns are of the name at the upstream', () => {
    const { upstream } = createKit({ stripPrefix: 'hub', addPrefix: 'acme', allowPatterns: ['acme/a*'] });
    const names = ['hub/app', 'hub/other', 'acme/app', 'app'];
    expect(names.filter((name) => upstream.allows(parseRepositoryName(name)))).toEqual(['hub/app']);
  });
});

describe('a name that is that of the upstream’s registry already', () => {
  test('is asked for as it is, where it is below what is added, whatever is stripped', () => {
    const settings = { stripPrefix: 'ours', addPrefix: 'team', denyPatterns: ['team/secret'] };
    const { upstream } = createKit(settings);
    const names = ['team/app', 'team/secret', 'team', 'teams/app', 'ours/app'].map(parseRepositoryName);
    expect(names.map((name) => upstream.repositoryOf(name, true))).toEqual([
      'team/app',
      'team/secret',
      undefined,
      undefined,
      undefined,
    ]);
    expect(names.filter((name) => upstream.allows(name, true))).toEqual(['team/app']);
  });

  test('gets library/ at Docker Hub where it has one segment', () => {
    const { upstream } = createKit({ url: 'https://registry-1.docker.io', stripPrefix: 'hub' });
    expect(upstream.repositoryOf(alpine, true)).toBe('library/alpine');
    expect(upstream.host).toBe('docker.io');
  });
});

describe('patterns', () => {
  function allowed(allowPatterns: string[], denyPatterns: string[], ...names: string[]): string[] {
    const { upstream } = createKit({ url: 'https://registry-1.docker.io', allowPatterns, denyPatterns });
    return names.filter((name) => upstream.allows(parseRepositoryName(name)));
  }

  test('none allow everything', () => {
    expect(allowed([], [], 'alpine', 'a/b/c')).toEqual(['alpine', 'a/b/c']);
  });

  test('are matched against the name at the upstream', () => {
    expect(allowed(['library/*'], [], 'alpine', 'library/redis', 'bitnami/redis')).toEqual([
      'alpine',
      'library/redis',
    ]);
  });

  test('one star stays within a segment, two go across', () => {
    expect(allowed(['a/*'], [], 'a/b', 'a/b/c')).toEqual(['a/b']);
    expect(allowed(['a/**'], [], 'a/b', 'a/b/c', 'ab/c')).toEqual(['a/b', 'a/b/c']);
  });

  test('that refuse an image are told at the level debug', () => {
    const { upstream, log } = createKit({ allowPatterns: ['team/**'], denyPatterns: ['team/secret'] });
    for (const name of ['team/app', 'team/secret', 'other']) upstream.allows(parseRepositoryName(name));
    expect(log.lines.map((line) => JSON.parse(line))).toMatchObject([
      { repository: 'team/secret', denyPatterns: ['team/secret'] },
      { repository: 'other', allowPatterns: ['team/**'] },
    ]);
  });

  test('that were stored and cannot be read open nothing, keep nothing else from being pulled, and are told of once', () => {
    const { upstream, log } = createKit({
      allowPatterns: ['team/**', '*a*a*a*b', 'x'.repeat(5000), '@(a)', '*a'.repeat(120)],
      denyPatterns: ['team/secret/{a'],
    });
    const allows = (name: string) => upstream.allows(parseRepositoryName(name));
    const told = () => log.lines.filter((line) => line.includes('cannot be read'));
    expect(told()).toHaveLength(4);
    expect(['team/app', 'team/secret/b', 'aaab', 'a'.repeat(200)].map(allows)).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(told()).toHaveLength(4);
    expect(log.lines.join()).toContain('it denies all that begins as it does');
    expect(log.lines.filter((line) => line.includes('it allows nothing'))).toHaveLength(3);
    const [tooLong] = log.lines.map((line) => JSON.parse(line));
    expect(tooLong).toMatchObject({ upstream: 7, name: 'seven', pattern: 'x'.repeat(maxGlobLength) });
  });

  test('deny wins over allow', () => {
    expect(allowed(['a/**'], ['a/secret*', '**/x'], 'a/b', 'a/secrets', 'a/b/x')).toEqual(['a/b']);
  });
});
