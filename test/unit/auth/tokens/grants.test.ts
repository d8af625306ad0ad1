import { describe, expect, test } from 'vitest';
import type { ScopeGrant, UserIdentity } from '../../../../src/auth/rights/identity.ts';
import type { RepositoryRights } from '../../../../src/auth/rights/repository-rights.ts';
import { repositoryScope } from '../../../../src/auth/rights/scope.ts';
import { carries, grantScopes, wasRefused } from '../../../../src/auth/tokens/grants.ts';

const dana: UserIdentity = { kind: 'user', userId: 7, username: 'dana', isAdmin: false, scopes: ['api'] };
const rights: Pick<RepositoryRights, 'judge' | 'findProject'> = {
  findProject: async () => undefined,
  judge: async (_user, name, action) => {
    if (name === 'acme/release') return action === 'pull' ? 'allowed' : 'protected';
    const may =
      name === 'acme/shop'
        ? action !== 'delete'
        : name === 'acme/own' || (name === 'acme/open' && action === 'pull');
    return may ? 'allowed' : 'refused';
  },
};
const catalog = { type: 'registry', name: 'catalog', actions: ['*'] };

function repository(name: string, ...actions: string[]): ScopeGrant {
  return { type: 'repository', name, actions };
}

test.each([
  ['all of it', 'acme/own', ['push', 'pull'], ['pull', 'push'], []],
  ['a part of it', 'acme/shop', ['pull', 'delete'], ['pull'], ['delete']],
  ['nothing', 'acme/none', ['pull', 'push'], [], ['pull', 'push']],
  ['only what was asked for', 'acme/own', ['pull'], ['pull'], []],
  ['* as everything that is allowed', 'acme/shop', ['*'], ['pull', 'push'], ['delete']],
  ['* beside others', 'acme/open', ['pull', '*'], ['pull'], ['push', 'delete']],
])('of one scope is granted %s', async (_what, name, asked, granted, refused) => {
  expect(await grantScopes(dana, [repository(name, ...asked)], rights)).toMatchObject({
    granted: granted.length > 0 ? [repository(name, ...granted)] : [],
    refused: refused.length > 0 ? [repository(name, ...refused)] : [],
    protectedFromPush: undefined,
    omitted: 0,
  });
});

test('a token can be for the target and the source of a mount', async () => {
  const wanted = [repository('acme/own', 'pull', 'push'), repository('acme/open', 'pull')];
  expect(await grantScopes(dana, wanted, rights)).toMatchObject({ granted: wanted, refused: [] });
});

test.each<[UserIdentity['scopes'], boolean]>([
  ['all', true],
  [['api'], true],
  [['read_registry'], true],
  [['write_registry'], true],
  [['read_virtual_registry', 'read_api'], false],
])('the catalog, with scopes %j: %s', async (scopes, isGranted) => {
  expect(await grantScopes({ ...dana, scopes }, [catalog], rights)).toMatchObject({
    granted: isGranted ? [catalog] : [],
    refused: isGranted ? [] : [catalog],
  });
});

test.each([
  { ...catalog, actions: ['search'] },
  { ...catalog, name: 'metrics' },
  { type: 'repository(plugin)', name: 'acme/own', actions: ['pull'] },
  repository('acme/own', 'sign'),
  repository('HOST:5000/acme/own', 'pull'),
])('what no request needs is neither granted nor refused: %j', async (scope) => {
  expect(await grantScopes(dana, [scope], rights)).toMatchObject({ granted: [], refused: [] });
});

test.each([
  ['push is asked for', ['pull', 'push'], 'acme/release'],
  ['everything is asked for', ['*'], undefined],
  ['something else is', ['pull', 'delete'], undefined],
])('a repository that is protected from a push is named where %s', async (_when, asked, expected) => {
  const wanted = [repository('acme/release', ...asked), repository('acme/own', 'pull', 'push')];
  expect(await grantScopes(dana, wanted, rights)).toMatchObject({ protectedFromPush: expected });
});

describe('a registry token is good for the named resource and action', () => {
  const token = {
    kind: 'registry-token',
    subject: 'dana',
    principal: undefined,
    access: [
      { type: 'repository', name: 'a/b', actions: ['pull'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ],
    refused: [{ type: 'repository', name: 'a/b', actions: ['push', 'delete'] }],
  } as const;
  test.each([
    ['repository', 'a/b', 'pull', true],
    ['repository', 'a/b', 'push', false],
    ['repository', 'a/b/c', 'pull', false],
    ['repository', 'a', 'pull', false],
    ['repository', 'A/B', 'pull', false],
    ['repository', 'catalog', '*', false],
    ['registry', 'catalog', '*', true],
    ['registry', 'a/b', 'pull', false],
  ])('%s %s, %s: %s', (type, name, action, expected) => {
    expect(carries(token, { type, name, actions: [action] })).toBe(expected);
  });

  test('of several actions it must carry each', () => {
    expect(carries(token, repositoryScope('a/b', ['pull', 'push']))).toBe(false);
  });

  test('of several actions one that was refused is enough', () => {
    expect(wasRefused(token, repositoryScope('a/b', ['pull', 'push']))).toBe(true);
  });

  test.each([
    ['a/b', 'push', true],
    ['a/b', 'delete', true],
    ['a/b', 'pull', false],
    ['a/c', 'push', false],
  ])('it says what was refused: %s, %s: %s', (name, action, expected) => {
    expect(wasRefused(token, repositoryScope(name, [action]))).toBe(expected);
  });
});

test.each(['catalog', 'statistics'])('a repository that is called %s is one like others', async (name) => {
  expect(await grantScopes(dana, [repository(name, 'pull', '*')], rights)).toMatchObject({
    granted: [],
    refused: [repository(name, 'pull', 'push', 'delete')],
  });
});

test('of what is refused nobody asks in which project it is', async () => {
  const findProject = async () => {
    throw new Error('it was asked for');
  };
  expect(
    await grantScopes(dana, [repository('acme/none', 'pull')], { ...rights, findProject }),
  ).toMatchObject({
    refused: [repository('acme/none', 'pull')],
  });
});

test('what is granted in a project says in which', async () => {
  const inShop: typeof rights = {
    judge: async (_user, _name, action) => (action === 'pull' ? 'allowed' : 'refused'),
    findProject: async (name) =>
      name.startsWith('acme/shop')
        ? { id: 4, fullPath: 'acme/shop', visibility: 'private', containerRegistryAccessLevel: 'enabled' }
        : undefined,
  };
  const wanted = ['acme/shop/web', 'acme/shop/*', 'virtual_registries/container/1/redis', 'acme/*'];
  const { granted } = await grantScopes(
    dana,
    wanted.map((name) => repository(name, 'pull')),
    inShop,
  );
  expect(granted).toEqual([
    { ...repository('acme/shop/web', 'pull'), project: 4 },
    { ...repository('acme/shop/*', 'pull'), project: 4 },
    repository('virtual_registries/container/1/redis', 'pull'),
    repository('acme/*', 'pull'),
  ]);
});

test.each([
  [true, ['api']],
  [true, ['read_api']],
  [false, ['read_registry']],
] as const)(
  'statistics are granted to administrators with a scope for it: %s with %j',
  async (isGranted, scopes) => {
    const statistics = { ...catalog, name: 'statistics' };
    expect(await grantScopes({ ...dana, isAdmin: true, scopes }, [statistics], rights)).toMatchObject({
      granted: isGranted ? [statistics] : [],
      refused: isGranted ? [] : [statistics],
    });
    expect((await grantScopes(dana, [statistics], rights)).refused).toEqual([statistics]);
  },
);

test('the last that were asked for are looked at, where they are very many', async () => {
  const asked = Array.from({ length: 600 }, (_, index) => repository(`acme/none-${index}`, 'pull'));
  const { refused, omitted } = await grantScopes(dana, asked, rights);
  expect(refused).toEqual(asked.slice(-512));
  expect(omitted).toBe(88);
});
