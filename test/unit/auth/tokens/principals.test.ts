import { beforeEach, describe, expect, test } from 'vitest';
import { markPassword } from '../../../../src/auth/credentials/passwords.ts';
import type { RefusalReason } from '../../../../src/auth/credentials/refusal.ts';
import type { PrincipalRef } from '../../../../src/auth/rights/identity.ts';
import { Principals } from '../../../../src/auth/tokens/principals.ts';
import type { User } from '../../../../src/metadata/people/users.ts';
import { RecordedAccounts } from '../recorded-accounts.ts';

const start = Date.UTC(2026, 2, 4);
let now = start;
let accounts: RecordedAccounts;
let principals: Principals;
let dana: User;

beforeEach(() => {
  now = start;
  accounts = new RecordedAccounts();
  dana = accounts.addUser('dana');
  principals = new Principals({ ...accounts, now: () => now });
});

const find = (ref: PrincipalRef) => principals.find(ref);

describe('whom a registry token was made for is found as they are now', () => {
  test('a user who gave their password', async () => {
    const { id: userId } = accounts.addUser('bob', { passwordHash: 'stored' });
    const passwordMark = markPassword('stored');
    const expected = { kind: 'user', userId, username: 'bob', isAdmin: false, scopes: 'all', passwordMark };
    expect(await find({ kind: 'user', userId, passwordMark })).toEqual(expected);
  });

  test('a user who came with an access token, with its scopes', async () => {
    accounts.addToken(dana, { id: 70, scopes: ['read_registry'] });
    const found = await find({ kind: 'user', userId: dana.id, tokenId: 70 });
    expect(found).toMatchObject({ userId: dana.id, scopes: ['read_registry'], tokenId: 70 });
  });

  test('a deploy token', async () => {
    accounts.addDeployToken({ id: 5, username: 'puller' });
    expect(await find({ kind: 'deploy-token', tokenId: 5 })).toMatchObject({ username: 'puller' });
  });

  test('a job', async () => {
    accounts.addJobToken({ id: 11 });
    expect(await find({ kind: 'job', jobTokenId: 11 })).toMatchObject({ kind: 'job', jobTokenId: 11 });
  });

  test('a job that came by its ID token, with no more than the trust gives today', async () => {
    const { id: trustId } = accounts.addTrust({ accessLevel: 20 });
    const ref = {
      kind: 'trust',
      trustId,
      name: 'x',
      projectId: 9,
      accessLevel: 30,
      expiresAt: start + 60_000,
    } as const;
    expect(await find(ref)).toEqual({
      kind: 'job',
      jobTokenId: undefined,
      trustId,
      name: 'x',
      userId: undefined,
      isAdmin: false,
      project: { id: 9, fullPath: 'acme/web/shop' },
      accessLevel: 20,
      expiresAt: start + 60_000,
    });
  });
});

describe('nobody is found', () => {
  test.each<[string, RefusalReason, (accounts: RecordedAccounts) => PrincipalRef]>([
    ['for a user who is gone', 'unknown', () => ({ kind: 'user', userId: 99 })],
    [
      'for a user who is blocked',
      'blocked',
      (all) => ({ kind: 'user', userId: all.addUser('eve', { state: 'blocked' }).id }),
    ],
    [
      'for a user who is blocked and came with a password',
      'blocked',
      (all) => ({
        kind: 'user',
        userId: all.addUser('eve', { state: 'blocked', passwordHash: 'stored' }).id,
        passwordMark: markPassword('stored'),
      }),
    ],
    [
      'for a password that is another now',
      'revoked',
      (all) => ({
        kind: 'user',
        userId: all.addUser('eve', { passwordHash: 'new' }).id,
        passwordMark: markPassword('old'),
      }),
    ],
    [
      'for a user with a password who is said to have come with none',
      'revoked',
      (all) => ({ kind: 'user', userId: all.addUser('eve', { passwordHash: 'new' }).id }),
    ],
    [
      'for a password that was taken away',
      'revoked',
      (all) => ({ kind: 'user', userId: all.addUser('eve').id, passwordMark: markPassword('old') }),
    ],
    [
      'for an access token that was revoked',
      'revoked',
      (all) => {
        const user = all.addUser('eve');
        all.addToken(user, { id: 70, revokedAt: start });
        return { kind: 'user', userId: user.id, tokenId: 70 };
      },
    ],
    [
      'for an access token that has expired',
      'expired',
      (all) => {
        const user = all.addUser('eve');
        all.addToken(user, { id: 70, expiresAt: start });
        return { kind: 'user', userId: user.id, tokenId: 70 };
      },
    ],
    [
      'for a deploy token that was revoked',
      'revoked',
      (all) => {
        all.addDeployToken({ id: 5, revokedAt: start });
        return { kind: 'deploy-token', tokenId: 5 };
      },
    ],
    [
      'for a job that is over',
      'expired',
      (all) => {
        all.addJobToken({ id: 11, expiresAt: start });
        return { kind: 'job', jobTokenId: 11 };
      },
    ],
    [
      'for a job of a user who is blocked',
      'blocked',
      (all) => {
        all.addJobToken({ id: 11, userId: all.addUser('eve', { state: 'blocked' }).id });
        return { kind: 'job', jobTokenId: 11 };
      },
    ],
    [
      'after the end of an ID token',
      'expired',
      (all) => {
        const { id: trustId } = all.addTrust();
        return { kind: 'trust', trustId, name: 'x', projectId: 9, accessLevel: 30, expiresAt: start };
      },
    ],
    [
      'without the trust',
      'revoked',
      () => ({ kind: 'trust', trustId: 1, name: 'x', projectId: 9, accessLevel: 30, expiresAt: start + 1 }),
    ],
    [
      'where the trust is for another project',
      'revoked',
      (all) => {
        const { id: trustId } = all.addTrust({ projectId: 10 });
        return { kind: 'trust', trustId, name: 'x', projectId: 9, accessLevel: 30, expiresAt: start + 1 };
      },
    ],
    ['of another token service', 'unknown', () => ({ kind: 'external', issuer: 'auth.example.com' })],
    [
      'where the trust gives a role that nobody knows',
      'unknown',
      (all) => {
        const { id: trustId } = all.addTrust({ accessLevel: 25 });
        return { kind: 'trust', trustId, name: 'x', projectId: 9, accessLevel: 30, expiresAt: start + 1 };
      },
    ],
  ])('%s: %s', async (_what, reason, prepare) => {
    const ref = prepare(accounts);
    expect(await find(ref)).toBeUndefined();
    expect(await principals.judge(ref)).toMatchObject({ kind: 'refused', reason });
    expect(await principals.believe(ref)).toEqual({ value: undefined, until: start + 1000 });
  });
});

test('the records are asked once a second, and a user who is blocked is gone within it', async () => {
  const ref = { kind: 'user', userId: dana.id } as const;
  for (let time = 0; time < 10; time += 1) expect(await find({ ...ref })).toBeDefined();
  expect(accounts.reads).toBe(1);
  accounts.change(dana, { state: 'blocked' });
  now += 1000;
  expect(await find(ref)).toBeUndefined();
  expect(await find(ref)).toBeUndefined();
  expect(accounts.reads).toBe(2);
});

test('whom a token stands for is believed for a second, and of an unknown kind nobody', async () => {
  const ref = { kind: 'user', userId: dana.id } as const;
  expect(await principals.judge(ref)).toMatchObject({ kind: 'user', username: 'dana' });
  expect(await principals.believe(ref)).toMatchObject({ value: { username: 'dana' }, until: start + 1000 });
  await expect(find({ kind: 'martian' } as unknown as PrincipalRef)).rejects.toThrow('no known kind');
});
