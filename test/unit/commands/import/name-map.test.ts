import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../../src/commands/command.ts';
import { NameMap } from '../../../../src/commands/import/name-map.ts';

describe('names of repositories', () => {
  test('stay, in groups by all segments but the last, where no rule is given', () => {
    const map = new NameMap([]);
    expect(map.find('team/sub/tool')).toEqual({ name: 'team/sub/tool', project: 'team/sub/tool' });
    expect(() => map.find('Not/A Name')).toThrow("'Not/A Name' is no name of a repository here");
  });

  test.each([
    ['old/*=group/project/*', 'old/app', 'group/project/app', 'group/project'],
    ['old/*=group/project/*', 'old/app/web', 'group/project/app/web', 'group/project'],
    ['old/*=group/*', 'old/app', 'group/app', 'group/app'],
    ['old/*=group/project/x-*-y', 'old/app', 'group/project/x-app-y', 'group/project'],
    ['*=a/b/c/*', 'app', 'a/b/c/app', 'a/b/c'],
    ['*-old=acme/shop/*', 'app-old', 'acme/shop/app', 'acme/shop'],
    ['app=acme/shop/app', 'app', 'acme/shop/app', 'acme/shop/app'],
  ])('%s makes of %s %s in %s', (rule, from, name, project) => {
    expect(new NameMap([rule]).find(from)).toEqual({ name, project });
  });

  test('go by the first rule that matches, and are nothing without one', () => {
    const map = new NameMap(['old/app=first/of/all', 'old/*=then/this/*']);
    expect(map.find('old/app')?.name).toBe('first/of/all');
    expect(map.find('old/apps')?.name).toBe('then/this/apps');
    for (const name of ['old/', 'new/app', 'app']) expect(map.find(name)).toBeUndefined();
  });

  test.each([
    '',
    'old',
    'old/*',
    '=new/name',
    'old=',
    'a=b=c',
    'old/*=new/name',
    'old=new/*',
    '*/*=a/b/*',
    '*=*/*',
    '*=A/b/*',
    '*=/a/*',
  ])('refused: %j', (rule) => {
    expect(() => new NameMap([rule])).toThrow(UsageError);
    expect(() => new NameMap([rule])).toThrow(`--map: '${rule}' is no rule such as`);
  });
});
