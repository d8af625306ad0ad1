import { expect, test } from 'vitest';
import { anonymous, type PrincipalRef } from '../../../../src/auth/rights/identity.ts';
import { catalogScope } from '../../../../src/auth/rights/scope.ts';
import { Principals } from '../../../../src/auth/tokens/principals.ts';
import { CatalogService } from '../../../../src/management/repositories/catalog.ts';
import { bearerOf, deployToken, job, trustedJob } from '../../auth/identities.ts';
import { RecordedAccounts } from '../../auth/recorded-accounts.ts';

const accounts = new RecordedAccounts();
const root = accounts.addUser('root', { isAdmin: true });
const dana = accounts.addUser('dana');
const blocked = accounts.addUser('blocked', { state: 'blocked' });
accounts.addToken(dana, { id: 70, scopes: ['read_registry'] });
accounts.addToken(dana, { id: 71, scopes: ['read_api'] });
accounts.addDeployToken({ id: 5 });
const principals = new Principals({ ...accounts, now: () => 0 });
const page = { after: 'a', limit: 2 };
const place = { kind: 'project', id: 9, fullPath: 'acme/web/shop' };

/** What the repositories are asked for comes back as their names. */
function catalogWith(isLoginRequired: boolean): CatalogService {
  return new CatalogService({
    repositories: {
      listNames: async (visibleTo, { after, limit }) => ({
        names: [visibleTo ? JSON.stringify(visibleTo) : 'all', after, `${limit}`],
        hasMore: true,
      }),
    },
    principals,
    isLoginRequired,
  });
}

function userWith(scopes: 'all' | readonly ['read_registry' | 'read_api'], { id, username, isAdmin } = dana) {
  return { kind: 'user', userId: id, username, isAdmin, scopes } as const;
}

const tokenFor = (ref: PrincipalRef | undefined, access = [catalogScope]) => bearerOf(ref, access);
const reporter = { userId: dana.id, leastLevel: 20 };

test.each([
  ['a user what they may pull', userWith('all'), reporter],
  ['a user whose token may pull the same', userWith(['read_registry']), reporter],
  ['an administrator everything', userWith('all', root), 'all'],
  ['a deploy token its place and what is public', deployToken, { leastLevel: 20, isOutsider: true, place }],
  ['a job its project and what its user may pull', { ...job, userId: dana.id }, { ...reporter, place }],
  ['a job of nobody its project and what is open', trustedJob, { leastLevel: 20, place }],
  ["a user's registry token the same", tokenFor({ kind: 'user', userId: dana.id }), reporter],
  [
    'one that an access token was exchanged for',
    tokenFor({ kind: 'user', userId: 2, tokenId: 70 }),
    reporter,
  ],
  ["an administrator's registry token everything", tokenFor({ kind: 'user', userId: root.id }), 'all'],
  [
    "a deploy token's registry token the same",
    tokenFor({ kind: 'deploy-token', tokenId: 5 }),
    { leastLevel: 20, isOutsider: true, place },
  ],
  ['everything to whom another token service allows it', tokenFor({ kind: 'external', issuer: 'x' }), 'all'],
])('shows %s', async (_what, identity, shown) => {
  const { names, hasMore } = await catalogWith(true).list(identity, page);
  const [viewer = '', ...rest] = names;
  expect([rest, hasMore]).toEqual([['a', '2'], true]);
  expect(viewer === 'all' ? viewer : JSON.parse(viewer)).toEqual(shown);
});

test.each([
  ['a user whose token may not pull', userWith(['read_api']), 'DENIED'],
  [
    'a deploy token that may not pull',
    { ...deployToken, scopes: ['read_virtual_registry'] } as const,
    'DENIED',
  ],
  ['a registry token for something else', tokenFor({ kind: 'user', userId: dana.id }, []), 'DENIED'],
  ['a registry token of nobody', tokenFor(undefined), 'DENIED'],
  ['a registry token of a user who was blocked', tokenFor({ kind: 'user', userId: blocked.id }), 'DENIED'],
  ['a registry token of a user who was removed', tokenFor({ kind: 'user', userId: 99 }), 'DENIED'],
  [
    'a registry token of a token without the scope',
    tokenFor({ kind: 'user', userId: 2, tokenId: 71 }),
    'DENIED',
  ],
  ['nobody in particular', anonymous, 'UNAUTHORIZED'],
])('shows nothing to %s', async (_what, identity, code) => {
  await expect(catalogWith(true).list(identity, page)).rejects.toMatchObject({ code });
});

test.each([anonymous, userWith(['read_api']), tokenFor({ kind: 'user', userId: 99 }, [])])(
  'shows everything to everyone where nobody needs to log in: $kind',
  async (identity) => {
    expect((await catalogWith(false).list(identity, page)).names).toEqual(['all', 'a', '2']);
  },
);
