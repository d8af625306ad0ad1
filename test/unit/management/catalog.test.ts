import { expect, test } from 'vitest';
import { anonymous, type ScopeGrant } from '../../../src/auth/identity.ts';
import { catalogScope } from '../../../src/auth/scope.ts';
import { CatalogService } from '../../../src/management/catalog.ts';
import { RecordedAccounts } from '../auth/recorded-accounts.ts';

const accounts = new RecordedAccounts();
const root = accounts.addUser('root', { isAdmin: true });
const dana = accounts.addUser('dana');
const blocked = accounts.addUser('blocked', { state: 'blocked' });
const page = { after: 'a', limit: 2 };

/** What the repositories are asked for comes back as their names. */
function catalogWith(isLoginRequired: boolean): CatalogService {
  return new CatalogService({
    repositories: {
      listNames: async (visibleTo, { after, limit }) => ({
        names: [visibleTo ? `user ${visibleTo.userId}, ${visibleTo.leastLevel}` : 'all', after, `${limit}`],
        hasMore: true,
      }),
    },
    users: accounts.users,
    isLoginRequired,
  });
}

function userWith(scopes: 'all' | readonly ['read_registry' | 'read_api'], { id, username, isAdmin } = dana) {
  return { kind: 'user', userId: id, username, isAdmin, scopes } as const;
}

function tokenFor(userId: number, access: readonly ScopeGrant[] = [catalogScope]) {
  return { kind: 'registry-token', subject: 'someone', userId, access, refused: [] } as const;
}

test.each([
  ['a user what they may pull', userWith('all'), `user ${dana.id}, 20`],
  ['a user whose token may pull the same', userWith(['read_registry']), `user ${dana.id}, 20`],
  ['an administrator everything', userWith('all', root), 'all'],
  ["a user's registry token the same", tokenFor(dana.id), `user ${dana.id}, 20`],
  ["an administrator's registry token everything", tokenFor(root.id), 'all'],
])('shows %s', async (_what, identity, shown) => {
  expect(await catalogWith(true).list(identity, page)).toEqual({ names: [shown, 'a', '2'], hasMore: true });
});

test.each([
  ['a user whose token may not pull', userWith(['read_api']), 'DENIED'],
  ['a registry token for something else', tokenFor(dana.id, []), 'DENIED'],
  ['a registry token of a user who was blocked', tokenFor(blocked.id), 'DENIED'],
  ['a registry token of a user who was removed', tokenFor(99), 'DENIED'],
  ['nobody in particular', anonymous, 'UNAUTHORIZED'],
])('shows nothing to %s', async (_what, identity, code) => {
  await expect(catalogWith(true).list(identity, page)).rejects.toMatchObject({ code });
});

test.each([anonymous, userWith(['read_api']), tokenFor(99, [])])(
  'shows everything to everyone where nobody needs to log in: $kind',
  async (identity) => {
    expect((await catalogWith(false).list(identity, page)).names).toEqual(['all', 'a', '2']);
  },
);
