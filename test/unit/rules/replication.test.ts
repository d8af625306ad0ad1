import { describe, expect, test } from 'vitest';
import { isRepositoryName } from '../../../src/oci/reference.ts';
import { isTargetTemplate, ReplicationFilter, targetNameOf } from '../../../src/rules/replication.ts';

describe('a replication rule is for', () => {
  test('repositories and tags that its patterns match as a whole', () => {
    const filter = new ReplicationFilter({ repositoryRegex: 'web|api/.*', tagRegex: 'v\\d+' });
    expect(['web', 'api/x', 'website', 'my/web', ''].filter((name) => filter.hasRepository(name))).toEqual([
      'web',
      'api/x',
    ]);
    expect(['v1', 'v12', 'xv1', 'v1-rc'].filter((tag) => filter.hasTag(tag))).toEqual(['v1', 'v12']);
  });

  test('all repositories where it names none', () => {
    const filter = new ReplicationFilter({ repositoryRegex: undefined, tagRegex: '.*' });
    expect(filter.hasRepository('')).toBe(true);
  });
});

describe('the name where a tag goes', () => {
  const names = { project: 'acme/shop', repository: 'api/web', name: 'web' };

  test.each([
    ['{project}/{repository}', 'acme/shop/api/web'],
    ['mirror/{name}', 'mirror/web'],
    ['fixed', 'fixed'],
    ['{project}-{name}', 'acme/shop-web'],
    ['{other}/{name}', '{other}/web'],
  ])('%s: %s', (template, name) => {
    expect(targetNameOf(template, names)).toBe(name);
  });

  test('has no slash too many where the repository is the project itself', () => {
    expect(targetNameOf('{project}/{repository}', { ...names, repository: '' })).toBe('acme/shop');
  });

  test.each(['Mirror/{name}', '{other}', '', '/', '{project}/{repository} x'])(
    'is refused: %s',
    (template) => {
      expect(isTargetTemplate(template, isRepositoryName)).toBe(false);
    },
  );
});
