import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { LoginThrottle } from '../../../../src/auth/credentials/login-throttle.ts';
import { PasswordLogins } from '../../../../src/auth/credentials/password-logins.ts';
import { Passwords } from '../../../../src/auth/credentials/passwords.ts';
import { RecordedAccounts } from '../recorded-accounts.ts';

const start = Date.UTC(2026, 2, 4);
const address = '192.0.2.7';

/** Quick, so that there can be many; how slow Argon2 is, is not what is promised here. */
class QuickPasswords extends Passwords {
  runs = 0;

  override async verify(password: string, stored: string | undefined): Promise<boolean> {
    this.runs += 1;
    await setImmediate();
    return password === 'right' && stored !== undefined;
  }
}

let now: number;
let accounts: RecordedAccounts;
let passwords: QuickPasswords;
let logins: PasswordLogins;

beforeEach(() => {
  now = start;
  accounts = new RecordedAccounts();
  passwords = new QuickPasswords();
  const throttle = new LoginThrottle(() => now);
  logins = new PasswordLogins({ ...accounts, passwords, throttle, now: () => now });
});

async function outcome(username: string, password: string, from = address): Promise<string> {
  const answer = await logins.verify(username, password, from);
  return answer.kind === 'refused' ? answer.reason : answer.kind;
}

test('guesses made at the same time are counted before they are looked at', async () => {
  const guesses = Array.from({ length: 40 }, (_, index) => outcome('nobody', `guess ${index}`));
  const outcomes = await Promise.all(guesses);
  expect(passwords.runs).toBe(10);
  expect(outcomes.filter((each) => each === 'throttled')).toHaveLength(30);
});

test('many who come at the same time with the same right password are all let in', async () => {
  accounts.addUser('ci', { passwordHash: 'stored' });
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcome('ci', 'right')));
  expect(new Set(outcomes)).toEqual(new Set(['user']));
  expect(passwords.runs).toBe(1);
});

test('an address that failed a hundred times in a minute is heard for no account until the minute is over', async () => {
  accounts.addUser('dana', { passwordHash: 'stored' });
  for (let account = 0; account < 100; account += 1) {
    expect(await outcome(`account ${account}`, 'guess')).toBe('unknown');
  }
  now += 45_000;
  expect(await logins.verify('dana', 'right', address)).toEqual({
    kind: 'refused',
    reason: 'throttled',
    retryAfterSeconds: 15,
  });
  expect(await outcome('dana', 'right', '192.0.2.8')).toBe('user');
  now += 15_000;
  expect(await outcome('dana', 'right')).toBe('user');
});

test('right passwords do not add up to a closed address', async () => {
  for (let number = 0; number < 150; number += 1) {
    accounts.addUser(`user${number}`, { passwordHash: 'stored' });
    expect(await outcome(`user${number}`, 'right')).toBe('user');
  }
});

test('an attacker with a /64 of IPv6 addresses counts as one address', async () => {
  for (let host = 1; host <= 10; host += 1) await outcome('dana', `guess ${host}`, `2001:db8::${host}`);
  expect(await outcome('dana', 'guess', '2001:db8::ffff:1')).toBe('throttled');
  expect(await outcome('dana', 'guess', '2001:db8:0:1::1')).toBe('unknown');
});
