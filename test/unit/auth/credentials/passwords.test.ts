import { expect, test } from 'vitest';
import { findPasswordFault, Passwords } from '../../../../src/auth/credentials/passwords.ts';

const passwords = new Passwords();

test('a password is stored as a PHC string that only it matches', async () => {
  const stored = await passwords.hash('correct horse');
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await passwords.verify('correct horse', stored)).toBe(true);
  expect(await passwords.verify('correct house', stored)).toBe(false);
});

test('the same password is stored differently each time', async () => {
  expect(await passwords.hash('correct horse')).not.toBe(await passwords.hash('correct horse'));
});

test('a hash made elsewhere with other costs is verified with these', async () => {
  // From the reference implementation: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1
  const stored = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  expect(await passwords.verify('password', stored)).toBe(true);
  expect(await passwords.verify('Password', stored)).toBe(false);
});

test('no password is right for someone who has none', async () => {
  for (const password of ['', 'anything at all']) {
    expect(await passwords.verify(password, undefined)).toBe(false);
  }
});

test('a stored text that is not a hash is an error, not a wrong password', async () => {
  await expect(passwords.verify('password', 'plain')).rejects.toThrow(/cannot be read/);
});

test('a password has at least 8 characters and at most 128', () => {
  expect(findPasswordFault('1234567')).toMatch(/too short/);
  expect(findPasswordFault('12345679')).toBeUndefined();
  expect(findPasswordFault('x'.repeat(128))).toBeUndefined();
  expect(findPasswordFault('x'.repeat(129))).toMatch(/too long/);
});

test('a password is neither the username nor what is guessed first', () => {
  expect(findPasswordFault('Alexandra', 'alexandra')).toMatch(/username/);
  expect(findPasswordFault('alexandra-1', 'alexandra')).toBeUndefined();
  for (const common of ['12345678', 'Password1', 'qwertyuiop', 'changeme']) {
    expect(findPasswordFault(common)).toMatch(/most common/);
  }
});
