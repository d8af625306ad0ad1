import { beforeEach, describe, expect, test } from 'vitest';
import { Authenticator } from '../../../../src/auth/credentials/authenticate.ts';
import type { Credentials } from '../../../../src/auth/credentials/credentials.ts';
import { markPassword, Passwords } from '../../../../src/auth/credentials/passwords.ts';
import type { Refusal } from '../../../../src/auth/credentials/refusal.ts';
import { type JobIdentity, nameOf } from '../../../../src/auth/rights/identity.ts';
import type { User } from '../../../../src/metadata/people/users.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { trustedJob } from '../identities.ts';
import { RecordedAccounts } from '../recorded-accounts.ts';

const start = Date.UTC(2026, 2, 4);
const address = '192.0.2.7';
const passwordHash = await new Passwords().hash('correct horse');

/** The real thing, counting how often Argon2 ran. */
class CountedPasswords extends Passwords {
  runs = 0;

  override verify(password: string, stored: string | undefined): Promise<boolean> {
    this.runs += 1;
    return super.verify(password, stored);
  }
}

let now = start;
let accounts: RecordedAccounts;
let passwords: CountedPasswords;
let authenticator: Authenticator;
let dana: User;
let attempts: string[];
let idTokens: Map<string, JobIdentity | Refusal>;

beforeEach(() => {
  now = start;
  accounts = new RecordedAccounts();
  passwords = new CountedPasswords();
  dana = accounts.addUser('dana', { passwordHash });
  attempts = [];
  idTokens = new Map();
  authenticator = new Authenticator({
    ...accounts,
    passwords,
    idTokens: { verify: async (token) => idTokens.get(token) },
    observer: {
      signedIn: (principal, how, from) => attempts.push(`${nameOf(principal)} by ${how} from ${from}`),
      refused: (username, reason, from) => attempts.push(`${username} refused: ${reason} from ${from}`),
    },
    log: silentLog,
    now: () => now,
  });
});

const basic = (username: string, secret: string): Credentials => ({ kind: 'basic', username, secret });
const bearer = (token: string): Credentials => ({ kind: 'token', token });
const authenticate = (credentials: Credentials, from = address) =>
  authenticator.authenticate(credentials, from);

const refusedFor = (reason: string) => expect.objectContaining({ kind: 'refused', reason });

describe('an access token', () => {
  test('stands for its owner, with its scopes', async () => {
    const token = accounts.addToken(dana, { id: 5, scopes: ['api', 'unheard_of', 'read_virtual_registry'] });
    expect(await authenticate(bearer(token))).toEqual({
      kind: 'user',
      userId: dana.id,
      username: 'dana',
      isAdmin: false,
      scopes: ['api', 'read_virtual_registry'],
      tokenId: 5,
    });
  });

  test('says itself whose it is: any username goes with it, but not that of someone else', async () => {
    accounts.addUser('eve');
    const token = accounts.addToken(dana);
    for (const username of ['dana', 'DANA', 'oauth2', '', 'no such user']) {
      expect(await authenticate(basic(username, token))).toMatchObject({ kind: 'user', username: 'dana' });
    }
    for (const username of ['eve', 'Eve']) {
      expect(await authenticate(basic(username, token))).toEqual(refusedFor('unknown'));
    }
  });

  test('is refused with the reason when it has expired, was revoked, or its owner is blocked', async () => {
    const blocked = accounts.addUser('mallory', { state: 'blocked' });
    const tokens = {
      unknown: `ent-${'x'.repeat(32)}`,
      expired: accounts.addToken(dana, { expiresAt: start }),
      revoked: accounts.addToken(dana, { revokedAt: start - 1 }),
      blocked: accounts.addToken(blocked),
    };
    for (const [reason, token] of Object.entries(tokens)) {
      expect(await authenticate(bearer(token))).toEqual(refusedFor(reason));
      expect(await authenticate(basic('dana', token))).toEqual(refusedFor(reason));
    }
  });

  test('costs its queries once a second, however many requests bring it', async () => {
    const token = accounts.addToken(dana, { lastUsedAt: start });
    await Promise.all(Array.from({ length: 20 }, () => authenticate(bearer(token))));
    expect(accounts.reads).toBe(2);
    now += 999;
    await authenticate(bearer(token));
    expect(accounts.reads).toBe(2);
    now += 2;
    await authenticate(bearer(token));
    expect(accounts.reads).toBe(4);
  });

  test('is refused at most a second after it was revoked or its owner blocked', async () => {
    const [first, second] = [accounts.addToken(dana), accounts.addToken(dana)];
    await authenticate(bearer(first));
    await authenticate(bearer(second));
    accounts.revoke(first, now);
    accounts.change(dana, { state: 'blocked' });
    now += 1001;
    expect(await authenticate(bearer(first))).toEqual(refusedFor('revoked'));
    expect(await authenticate(bearer(second))).toEqual(refusedFor('blocked'));
  });

  test('has its use noted once a minute', async () => {
    const token = accounts.addToken(dana, { id: 5 });
    for (let second = 0; second < 90; second += 1) {
      await authenticate(bearer(token));
      now += 1001;
    }
    expect(accounts.uses).toEqual([
      { id: 5, at: start },
      { id: 5, at: start + 60 * 1001 },
    ]);
  });

  test('is good though its use cannot be noted', async () => {
    const token = accounts.addToken(dana);
    const noteUse = async () => {
      throw new Error('read-only database');
    };
    const accessTokens = { ...accounts.accessTokens, noteUse };
    const other = new Authenticator({ ...accounts, accessTokens, passwords, log: silentLog, now: () => now });
    expect(await other.authenticate(bearer(token), address)).toMatchObject({ kind: 'user' });
  });
});

describe('a token of a bot', () => {
  test('stands for the bot, with any username', async () => {
    const bot = accounts.addUser('group_3_bot_1', { kind: 'bot', botGroupId: 3 });
    const token = accounts.addToken(bot);
    expect(await authenticate(basic('any name', token))).toMatchObject({ kind: 'user', userId: bot.id });
  });

  test('of a project is known as one', async () => {
    const bot = accounts.addUser('project_9_bot_1', { kind: 'bot', botProjectId: 9 });
    const token = accounts.addToken(bot);
    expect(await authenticate(bearer(token))).toMatchObject({ kind: 'user', isProjectBot: true });
  });
});

describe('a deploy token', () => {
  test('stands for its place, with its scopes, under its own username', async () => {
    const token = accounts.addDeployToken({
      id: 5,
      username: 'puller',
      scopes: ['read_registry', 'unheard_of'],
    });
    expect(await authenticate(basic('puller', token))).toEqual({
      kind: 'deploy-token',
      tokenId: 5,
      username: 'puller',
      scopes: ['read_registry'],
      place: { kind: 'project', id: 9, fullPath: 'acme/web/shop' },
    });
    expect(accounts.uses).toEqual([{ id: 5, at: start }]);
  });

  test('is nothing under another username, or alone', async () => {
    const token = accounts.addDeployToken();
    for (const username of ['dana', 'oauth2', '', 'Gitlab+Deploy-Token-200', 'gitlab-ci-token'])
      expect(await authenticate(basic(username, token))).toEqual(refusedFor('unknown'));
    expect(await authenticate(bearer(token))).toEqual(refusedFor('unknown'));
    expect(passwords.runs).toBe(0);
  });

  test('is refused with the reason, at most a second after it was revoked', async () => {
    const refused = {
      unknown: `entd-${'x'.repeat(32)}`,
      expired: accounts.addDeployToken({ username: 'puller', expiresAt: start }),
      revoked: accounts.addDeployToken({ username: 'puller', revokedAt: start - 1 }),
    };
    for (const [reason, token] of Object.entries(refused))
      expect(await authenticate(basic('puller', token))).toEqual(refusedFor(reason));
    const token = accounts.addDeployToken({ id: 7, username: 'puller' });
    expect(await authenticate(basic('puller', token))).toMatchObject({ kind: 'deploy-token' });
    for (const [hash, record] of accounts.deployTokensByHash)
      accounts.deployTokensByHash.set(hash, { ...record, revokedAt: now });
    now += 1000;
    expect(await authenticate(basic('puller', token))).toEqual(refusedFor('revoked'));
  });
});

describe('a job token', () => {
  test('stands for its job, under the username of jobs or alone', async () => {
    const token = accounts.addJobToken({ id: 11, userId: dana.id });
    const expected = {
      kind: 'job',
      jobTokenId: 11,
      trustId: undefined,
      name: 'build 4711',
      userId: dana.id,
      isAdmin: false,
      project: { id: 9, fullPath: 'acme/web/shop' },
      accessLevel: 30,
      expiresAt: Number.MAX_SAFE_INTEGER,
    };
    expect(await authenticate(basic('gitlab-ci-token', token))).toEqual(expected);
    expect(await authenticate(bearer(token))).toEqual(expected);
    expect(await authenticate(basic('dana', token))).toEqual(refusedFor('unknown'));
  });

  test('is refused with the reason, and with its user', async () => {
    const blocked = accounts.addUser('mallory', { state: 'blocked' });
    const tokens = {
      expired: accounts.addJobToken({ expiresAt: start }),
      revoked: accounts.addJobToken({ revokedAt: start - 1 }),
      blocked: accounts.addJobToken({ userId: blocked.id }),
      unknown: accounts.addJobToken({ userId: 99 }),
    };
    for (const [reason, token] of Object.entries(tokens))
      expect(await authenticate(basic('gitlab-ci-token', token))).toEqual(refusedFor(reason));
  });
});

describe('an ID token', () => {
  test('stands for the job that a trust makes of it, under the username of jobs alone', async () => {
    idTokens.set('trusted.id.token', trustedJob);
    expect(await authenticate(basic('gitlab-ci-token', 'trusted.id.token'))).toEqual(trustedJob);
    expect(await authenticate(basic('dana', 'trusted.id.token'))).toEqual(refusedFor('unknown'));
    expect(await authenticate(bearer('trusted.id.token'))).toEqual(refusedFor('unknown'));
  });

  test('is refused for the reason that its verifier has, and is nothing where no issuer is known', async () => {
    idTokens.set('expired.id.token', { kind: 'refused', reason: 'expired' });
    expect(await authenticate(basic('gitlab-ci-token', 'expired.id.token'))).toEqual(refusedFor('expired'));
    expect(await authenticate(basic('gitlab-ci-token', 'foreign.id.token'))).toEqual(refusedFor('unknown'));
  });
});

test('every attempt is told: who, by what, from where', async () => {
  idTokens.set('trusted.id.token', trustedJob);
  await authenticate(basic('dana', 'correct horse'));
  await authenticate(basic('whoever', accounts.addToken(dana)));
  await authenticate(basic('puller', accounts.addDeployToken({ username: 'puller' })));
  await authenticate(bearer(accounts.addJobToken()));
  await authenticate(basic('gitlab-ci-token', 'trusted.id.token'));
  await authenticate(basic('dana', 'wrong horse'));
  await authenticate(bearer(accounts.addToken(dana, { revokedAt: start })));
  expect(attempts).toEqual([
    `dana by password from ${address}`,
    `dana by access-token from ${address}`,
    `puller by deploy-token from ${address}`,
    `build 4711 by job-token from ${address}`,
    `build 4711 by id-token from ${address}`,
    `dana refused: unknown from ${address}`,
    `undefined refused: revoked from ${address}`,
  ]);
});

describe('a password', () => {
  test('stands for its user, with every scope', async () => {
    expect(await authenticate(basic('Dana', 'correct horse'))).toEqual({
      kind: 'user',
      userId: dana.id,
      username: 'dana',
      isAdmin: false,
      scopes: 'all',
      passwordMark: markPassword(dana.passwordHash ?? ''),
    });
  });

  test('that is wrong, of nobody, or of someone without one is refused alike, after the same work', async () => {
    accounts.addUser('robot');
    for (const username of ['dana', 'nobody', 'robot']) {
      expect(await authenticate(basic(username, 'wrong horse'))).toEqual(refusedFor('unknown'));
    }
    expect(passwords.runs).toBe(3);
  });

  test('is checked by Argon2 once a minute', async () => {
    for (let second = 0; second < 60; second += 1) {
      expect(await authenticate(basic('dana', 'correct horse'))).toMatchObject({ kind: 'user' });
      now += 1000;
    }
    expect(passwords.runs).toBe(1);
    now += 1;
    await authenticate(basic('dana', 'correct horse'));
    expect(passwords.runs).toBe(2);
  });

  test('is refused at most a second after it was changed or its user blocked', async () => {
    await authenticate(basic('dana', 'correct horse'));
    accounts.change(dana, { state: 'blocked' });
    now += 1001;
    expect(await authenticate(basic('dana', 'correct horse'))).toEqual(refusedFor('blocked'));
    accounts.change(dana, { passwordHash: await passwords.hash('battery staple') });
    now += 1001;
    expect(await authenticate(basic('dana', 'correct horse'))).toEqual(refusedFor('unknown'));
    expect(await authenticate(basic('dana', 'battery staple'))).toMatchObject({ kind: 'user' });
  });

  test('of someone blocked does not say so to who does not know it', async () => {
    accounts.change(dana, { state: 'blocked' });
    expect(await authenticate(basic('dana', 'wrong horse'))).toEqual(refusedFor('unknown'));
  });

  test('is not taken where only a token can stand', async () => {
    expect(await authenticate(bearer('correct horse'))).toEqual(refusedFor('unknown'));
  });
});

describe('ten wrong passwords in a minute', () => {
  async function fail(times: number) {
    for (let time = 0; time < times; time += 1) await authenticate(basic('dana', `guess ${time}`));
  }

  test('close the account to that address for the rest of the minute', async () => {
    await fail(9);
    expect(await authenticate(basic('dana', 'a tenth'))).toEqual(refusedFor('unknown'));
    now += 20_000;
    const throttled = { kind: 'refused', reason: 'throttled', retryAfterSeconds: 40 };
    expect(await authenticate(basic('dana', 'correct horse'))).toEqual(throttled);
    expect(passwords.runs).toBe(10);
    now += 40_000;
    expect(await authenticate(basic('dana', 'correct horse'))).toMatchObject({ kind: 'user' });
  });

  test('close it to no other address, nor another account, nor to tokens', async () => {
    accounts.addUser('eve', { passwordHash });
    const token = accounts.addToken(dana);
    await fail(10);
    expect(await authenticate(basic('dana', 'correct horse'), '192.0.2.8')).toMatchObject({ kind: 'user' });
    expect(await authenticate(basic('eve', 'correct horse'))).toMatchObject({ kind: 'user' });
    expect(await authenticate(basic('dana', token))).toMatchObject({ kind: 'user' });
  });

  test('are forgotten after a right one', async () => {
    await fail(9);
    await authenticate(basic('dana', 'correct horse'));
    await fail(9);
    expect(await authenticate(basic('dana', 'correct horse'))).toMatchObject({ kind: 'user' });
  });
});
