import { beforeEach, describe, expect, test } from 'vitest';
import type { Refusal } from '../../../../src/auth/credentials/refusal.ts';
import {
  identifyDeployToken,
  identifyJob,
  identifyTokenOwner,
} from '../../../../src/auth/tokens/token-bearers.ts';
import { RecordedAccounts } from '../recorded-accounts.ts';

const now = Date.UTC(2026, 2, 4);
let accounts: RecordedAccounts;

beforeEach(() => {
  accounts = new RecordedAccounts();
});

const only = <T>(records: ReadonlyMap<string, T>): T | undefined => [...records.values()][0];

/** Each kind of token with these dates: what it stands for is told by its kind. */
const kinds = {
  'access token': (dates: { expiresAt?: number; revokedAt?: number }) => {
    accounts.addToken(accounts.addUser('dana'), dates);
    return identifyTokenOwner(only(accounts.tokensByHash), accounts.users, now);
  },
  'deploy token': async (dates: { expiresAt?: number; revokedAt?: number }) => {
    accounts.addDeployToken(dates);
    return identifyDeployToken(only(accounts.deployTokensByHash), now);
  },
  'job token': (dates: { expiresAt?: number; revokedAt?: number }) => {
    accounts.addJobToken(dates);
    return identifyJob(only(accounts.jobTokensByHash), accounts.users, now);
  },
};

describe.each(Object.entries(kinds))('an %s', (_kind, identify) => {
  test('is good without an end, and until its end', async () => {
    expect((await identify({})).kind).not.toBe('refused');
    accounts = new RecordedAccounts();
    expect((await identify({ expiresAt: now + 1 })).kind).not.toBe('refused');
  });

  test('is refused from its end on', async () => {
    expect(await identify({ expiresAt: now })).toEqual({ kind: 'refused', reason: 'expired' });
  });

  test('is refused as revoked, whether or not it would have expired', async () => {
    const revoked: Refusal = { kind: 'refused', reason: 'revoked' };
    expect(await identify({ revokedAt: now })).toEqual(revoked);
    accounts = new RecordedAccounts();
    expect(await identify({ revokedAt: now, expiresAt: now })).toEqual(revoked);
  });
});

describe('the log learns what there is not:', () => {
  const unknown = (cause: string): Refusal => ({ kind: 'refused', reason: 'unknown', cause });

  test('an access token', async () => {
    const found = await identifyTokenOwner(undefined, accounts.users, now);
    expect(found).toEqual(unknown('there is no such access token'));
  });

  test('its owner', async () => {
    accounts.addToken(accounts.addUser('dana'));
    accounts.usersById.clear();
    const found = await identifyTokenOwner(only(accounts.tokensByHash), accounts.users, now);
    expect(found).toEqual(unknown('there is no such user'));
  });

  test('a deploy token', () => {
    expect(identifyDeployToken(undefined, now)).toEqual(unknown('there is no such deploy token'));
  });

  test('a job token, or one with a role that nobody knows', async () => {
    const cause = 'there is no such job token';
    expect(await identifyJob(undefined, accounts.users, now)).toEqual(unknown(cause));
    accounts.addJobToken({ accessLevel: 35 });
    const found = await identifyJob(only(accounts.jobTokensByHash), accounts.users, now);
    expect(found).toEqual(unknown(cause));
  });

  test('the user of a job', async () => {
    accounts.addJobToken({ userId: 99 });
    const found = await identifyJob(only(accounts.jobTokensByHash), accounts.users, now);
    expect(found).toEqual(unknown('the user of the job is gone'));
  });
});

test('a job ends when its user is blocked', async () => {
  accounts.addJobToken({ userId: accounts.addUser('dana', { state: 'blocked' }).id });
  const found = await identifyJob(only(accounts.jobTokensByHash), accounts.users, now);
  expect(found).toEqual({ kind: 'refused', reason: 'blocked' });
});

test('a job is no administrator, even of one', async () => {
  const { id: userId } = accounts.addUser('root', { isAdmin: true });
  accounts.addJobToken({ id: 11, userId, accessLevel: 40, expiresAt: now + 1 });
  expect(await identifyJob(only(accounts.jobTokensByHash), accounts.users, now)).toEqual({
    kind: 'job',
    jobTokenId: 11,
    trustId: undefined,
    name: 'build 4711',
    userId,
    isAdmin: false,
    project: { id: 9, fullPath: 'acme/web/shop' },
    accessLevel: 40,
    expiresAt: now + 1,
  });
});

test('a deploy token has the scopes that there are, and the place that it is for', () => {
  accounts.addDeployToken({ id: 5, username: 'puller', scopes: ['read_registry', 'unheard_of'] });
  expect(identifyDeployToken(only(accounts.deployTokensByHash), now)).toStrictEqual({
    kind: 'deploy-token',
    tokenId: 5,
    username: 'puller',
    scopes: ['read_registry'],
    place: { kind: 'project', id: 9, fullPath: 'acme/web/shop' },
  });
});

test('the owner of a token is known by the token, and not by their password', async () => {
  const dana = accounts.addUser('dana', { passwordHash: 'stored' });
  accounts.addToken(dana, { id: 70, scopes: ['api', 'unheard_of'] });
  expect(await identifyTokenOwner(only(accounts.tokensByHash), accounts.users, now)).toStrictEqual({
    kind: 'user',
    userId: dana.id,
    username: 'dana',
    isAdmin: false,
    scopes: ['api'],
    tokenId: 70,
  });
});
