import { beforeEach, expect, test } from 'vitest';
import { RecordedTokens } from '../../../../src/auth/tokens/recorded-tokens.ts';
import { createToken, hashToken, tokenKindOf } from '../../../../src/auth/tokens/token-secret.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { RecordedAccounts } from '../recorded-accounts.ts';

const start = Date.UTC(2026, 2, 4);
let now = start;
let accounts: RecordedAccounts;
let warnings: unknown[][];
let tokens: RecordedTokens;

beforeEach(() => {
  now = start;
  accounts = new RecordedAccounts();
  warnings = [];
  const log = { ...silentLog, warn: (...said: unknown[]) => void warnings.push(said) };
  tokens = new RecordedTokens({ ...accounts, log, now: () => now });
});

test('a use is noted where the last one was noted a minute ago, and not before', async () => {
  const dana = accounts.addUser('dana');
  const recent = accounts.addToken(dana, { id: 5, lastUsedAt: start - 59_999 });
  const older = accounts.addToken(dana, { id: 6, lastUsedAt: start - 60_000 });
  const never = accounts.addDeployToken({ id: 7 });
  await tokens.verifyAccessToken(recent);
  await tokens.verifyAccessToken(older);
  await tokens.verifyDeployToken(never);
  expect(accounts.uses).toEqual([
    { id: 6, at: start },
    { id: 7, at: start },
  ]);
});

test('whom a token stands for is asked of the records once a second, and of which kind it is', async () => {
  const dana = accounts.addUser('dana');
  const [access, deploy, job] = [
    accounts.addToken(dana, { id: 5, lastUsedAt: start }),
    accounts.addDeployToken({ id: 6 }),
    accounts.addJobToken({ id: 7, userId: dana.id }),
  ];
  const ask = () =>
    Promise.all([
      tokens.verifyAccessToken(access),
      tokens.verifyDeployToken(deploy),
      tokens.verifyJobToken(job),
    ]);
  const bearers = [
    { kind: 'user', userId: dana.id, tokenId: 5 },
    { kind: 'deploy-token', tokenId: 6 },
    { kind: 'job', jobTokenId: 7, userId: dana.id },
  ];
  expect(await ask()).toMatchObject(bearers);
  accounts.change(dana, { state: 'blocked' });
  now += 999;
  expect(await ask()).toMatchObject(bearers);
  now += 1;
  const blocked = { kind: 'refused', reason: 'blocked' };
  expect(await ask()).toMatchObject([blocked, { kind: 'deploy-token' }, blocked]);
});

test('a token of one kind is none of another, and what is no token is unknown', async () => {
  const access = accounts.addToken(accounts.addUser('dana'));
  const unknown = { kind: 'refused', reason: 'unknown' };
  for (const token of [access, 'unheard of']) {
    expect(await tokens.verifyDeployToken(token)).toMatchObject(unknown);
    expect(await tokens.verifyJobToken(token)).toMatchObject(unknown);
  }
  expect(await tokens.verifyAccessToken('unheard of')).toMatchObject(unknown);
  expect(accounts.uses).toEqual([]);
});

test('a token that is refused was not used', async () => {
  const dana = accounts.addUser('dana', { state: 'blocked' });
  for (const token of [accounts.addToken(dana), accounts.addToken(dana, { revokedAt: start })])
    expect(await tokens.verifyAccessToken(token)).toMatchObject({ kind: 'refused' });
  const revoked = accounts.addDeployToken({ revokedAt: start });
  expect(await tokens.verifyDeployToken(revoked)).toMatchObject({ kind: 'refused' });
  expect(accounts.uses).toEqual([]);
});

test('a use that cannot be noted is told to the log, and is one all the same', async () => {
  const fault = new Error('read-only database');
  accounts.deployTokens.noteUse = async () => {
    throw fault;
  };
  const found = await tokens.verifyDeployToken(accounts.addDeployToken({ id: 7 }));
  expect(found).toMatchObject({ kind: 'deploy-token', tokenId: 7 });
  expect(warnings).toEqual([[{ err: fault, tokenId: 7 }, 'the use of a token could not be noted']]);
});

test.each(['access', 'deploy', 'job'] as const)(
  'a token made as one of kind %s is looked for as one',
  (kind) => {
    const [token, other] = [createToken(kind), createToken(kind)];
    expect(tokenKindOf(token)).toBe(kind);
    expect(token).toMatch(
      { access: /^ent-[\w-]{32}$/, deploy: /^entd-[\w-]{32}$/, job: /^entj-[\w-]{32}$/ }[kind],
    );
    expect(other).not.toBe(token);
  },
);

test.each([
  ['x'.repeat(19), undefined],
  ['x'.repeat(20), 'access'],
  ['x'.repeat(255), 'access'],
  ['x'.repeat(256), undefined],
  [`entd-${'x'.repeat(20)}`, 'deploy'],
  [`xentd-${'x'.repeat(20)}`, 'access'],
  [`${'x'.repeat(20)} y`, undefined],
  [` ${'x'.repeat(20)}`, undefined],
  [`${'x'.repeat(20)}\n`, undefined],
])(
  'a text that operators choose may be an access token where it is 20 to 255 visible characters: %j',
  (text, kind) => {
    expect(tokenKindOf(text)).toBe(kind);
  },
);

test('what is stored of a token is its SHA-256 in hex', () => {
  expect(hashToken('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
