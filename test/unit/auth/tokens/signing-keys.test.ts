import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { beforeEach, expect, test } from 'vitest';
import { SecretBox } from '../../../../src/auth/credentials/secret-box.ts';
import { keyIdOf } from '../../../../src/auth/tokens/key-ids.ts';
import { handoverMs, SigningKeys } from '../../../../src/auth/tokens/signing-keys.ts';
import { RecordedKeys } from '../recorded-keys.ts';

const secretBox = new SecretBox(randomBytes(32));
const start = Date.UTC(2026, 2, 4);
const lifetimeMs = 300_000;
/** Docker's registry takes tokens for a minute after their end. */
const retainMs = lifetimeMs + 60_000;

let now: number;
beforeEach(() => {
  now = start;
});

function processWith(records: RecordedKeys): SigningKeys {
  return new SigningKeys({ records, secretBox, lifetimeMs: async () => lifetimeMs, now: () => now });
}

test('one key is made on first need, however many need it, and found again after a restart', async () => {
  const records = new RecordedKeys();
  const keys = processWith(records);
  const [first, second] = await Promise.all([keys.current(), keys.current()]);
  const restarted = await processWith(records).current();
  expect(records.rows).toHaveLength(1);
  expect(second.kid).toBe(first.kid);
  expect(restarted.kid).toBe(first.kid);
  expect(restarted.publicKey.equals(first.publicKey)).toBe(true);
});

test('the recorded key is sealed', async () => {
  const records = new RecordedKeys();
  const { privateKey } = await processWith(records).current();
  expect(JSON.stringify(records.rows)).not.toContain(String(privateKey.export({ format: 'jwk' }).d));
  const thief = new SigningKeys({
    records,
    secretBox: new SecretBox(randomBytes(32)),
    lifetimeMs: async () => lifetimeMs,
    now: () => start,
  });
  await expect(thief.current()).rejects.toThrow(/does not open/);
});

test('processes that start at once agree on a key, and know the one the other made', async () => {
  const records = new RecordedKeys({ together: 2 });
  const [one, other] = [1, 2].map(
    (offset) =>
      new SigningKeys({ records, secretBox, lifetimeMs: async () => lifetimeMs, now: () => start + offset }),
  );
  const [ofOne, ofOther] = await Promise.all([one?.current(), other?.current()]);
  const kids = records.rows.map(({ kid }) => kid);
  expect(kids).toHaveLength(2);
  for (const kid of kids) {
    expect((await one?.find(kid))?.kid).toBe(kid);
    expect((await other?.find(kid))?.kid).toBe(kid);
  }
  expect(kids).toContain(ofOne?.kid);
  expect(kids).toContain(ofOther?.kid);
  const third = await processWith(records).current();
  expect(third.kid).toBe(records.rows.find(({ createdAt }) => createdAt === start + 1)?.kid);
});

test('a process that finds, having made a key, that another made one before signs with that', async () => {
  const records = new RecordedKeys();
  const [one, other] = [processWith(records), processWith(records)];
  const add = records.add.bind(records);
  records.add = async (row) => {
    records.add = add;
    await one.current();
    await add(row);
  };
  const { kid } = await other.current();
  expect(records.rows).toHaveLength(2);
  expect(kid).toBe((await one.current()).kid);
});

test('a key whose time is over need not open any more, and one that is retired alone is not the one that signs', async () => {
  const records = new RecordedKeys();
  const { kid } = await processWith(records).current();
  await records.setRetired(kid, start);
  expect(await processWith(records).describe()).toMatchObject([{ kid, isCurrent: false }]);
  records.rows = records.rows.map((row) => ({ ...row, privateKeySealed: 'of another secret key' }));
  now += retainMs;
  expect(await processWith(records).list()).toEqual([]);
});

test('key ids that nobody made do not read the records more than once a second', async () => {
  const records = new RecordedKeys();
  const keys = processWith(records);
  await keys.current();
  const before = records.reads;
  for (const kid of ['a', 'b', 'c']) expect(await keys.find(kid)).toBeUndefined();
  expect(records.reads).toBe(before + 1);
  now += 999;
  expect(await keys.find('d')).toBeUndefined();
  expect(records.reads).toBe(before + 1);
  now += 1;
  for (const kid of ['a', 'b']) expect(await keys.find(kid)).toBeUndefined();
  // Once because what is known is a second old, and once to look for these.
  expect(records.reads).toBe(before + 3);
});

test('what is known of the keys is believed for a second, and no key is opened twice', async () => {
  const records = new RecordedKeys();
  const keys = processWith(records);
  const { kid, privateKey } = await keys.current();
  const before = records.reads;
  now += 999;
  await keys.list();
  expect(records.reads).toBe(before);
  now += 1;
  const [known] = await Promise.all([keys.find(kid), keys.current(), keys.list()]);
  expect(records.reads).toBe(before + 1);
  expect(known?.privateKey).toBe(privateKey);
});

test('where the keys were thrown away another is made', async () => {
  const records = new RecordedKeys();
  const keys = processWith(records);
  const first = await keys.current();
  records.rows = [];
  now += 1000;
  const second = await keys.current();
  expect(second.kid).not.toBe(first.kid);
  expect(records.rows.map(({ kid }) => kid)).toEqual([second.kid]);
  expect(await keys.find(first.kid)).toBeUndefined();
});

test('records that cannot be read are told to who asks, and read when somebody asks again', async () => {
  const records = new RecordedKeys();
  const keys = processWith(records);
  const list = records.list.bind(records);
  records.list = async () => {
    throw new Error('the database is away');
  };
  await expect(keys.current()).rejects.toThrow('the database is away');
  records.list = list;
  expect((await keys.current()).kid).toBe(records.rows[0]?.kid);
});

test('a key that was not recorded after all is an error, and is never signed with', async () => {
  const records = new RecordedKeys();
  records.add = async () => undefined;
  await expect(processWith(records).current()).rejects.toThrow(
    'a signing key was recorded but cannot be found',
  );
});

test('a retired key that cannot be removed is not used all the same, and removed another time', async () => {
  const records = new RecordedKeys();
  const keys = processWith(records);
  const old = await keys.current();
  const next = await keys.rotate();
  const remove = records.remove.bind(records);
  records.remove = async () => {
    throw new Error('read-only database');
  };
  now += handoverMs + retainMs;
  expect((await keys.list()).map(({ kid }) => kid)).toEqual([next.kid]);
  expect(await keys.find(old.kid)).toBeUndefined();
  expect(records.rows).toHaveLength(2);
  records.remove = remove;
  now += 1000;
  await keys.list();
  expect(records.rows.map(({ kid }) => kid)).toEqual([next.kid]);
});

test('a key has the id that registries work out of its certificate', async () => {
  const { kid, certificate, publicKey } = await processWith(new RecordedKeys()).current();
  expect(kid).toMatch(/^(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
  const certified = new X509Certificate(certificate).publicKey;
  expect(certified.equals(publicKey)).toBe(true);
  expect(keyIdOf(certified)).toBe(kid);
});

test('a certificate is signed by its own key, has begun, has no end, and gives no authority', async () => {
  const { certificate, publicKey } = await processWith(new RecordedKeys()).current();
  const x509 = new X509Certificate(certificate);
  expect(x509.verify(publicKey)).toBe(true);
  expect(x509.ca).toBe(false);
  expect(x509.validFromDate.getTime()).toBe(start);
  expect(x509.validToDate.getUTCFullYear()).toBe(9999);
});

test('a certificate has the name of its key, a serial number of its own, and is for signatures alone', async () => {
  const [one, other] = await Promise.all([1, 2].map(() => processWith(new RecordedKeys()).current()));
  if (!one || !other) throw new Error('there are no keys');
  const [x509, another] = [one, other].map(({ certificate }) => new X509Certificate(certificate));
  expect(x509?.subject).toBe(`CN=Entrepot token key ${one.kid.slice(0, 9)}`);
  expect(x509?.issuer).toBe(x509?.subject);
  expect(x509?.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  expect(another?.serialNumber).not.toBe(x509?.serialNumber);
  // RFC 5280 §4.2.1.3 and §4.2.1.9: both critical, digitalSignature and nothing else, and no authority.
  const der = Buffer.from(x509?.raw ?? []).toString('hex');
  expect(der).toContain('300e0603551d0f0101ff040403020780');
  expect(der).toContain('300c0603551d130101ff04023000');
  expect(one.certificate).toMatch(
    /^-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/]{64}\n)+[A-Za-z0-9+/=]{1,64}\n-----END CERTIFICATE-----\n$/,
  );
});

test('a rotation is known to another process before the new key signs, and the old one stays good until its last token ends', async () => {
  const records = new RecordedKeys();
  const [server, commandLine] = [processWith(records), processWith(records)];
  const old = await server.current();
  const next = await commandLine.rotate();
  expect(next.kid).not.toBe(old.kid);
  now += handoverMs - 1;
  expect((await server.current()).kid).toBe(old.kid);
  expect((await server.list()).map(({ kid }) => kid)).toEqual([old.kid, next.kid]);

  now += 1;
  const retiredAt = now;
  expect((await server.current()).kid).toBe(next.kid);
  now = retiredAt + retainMs - 1;
  expect((await server.find(old.kid))?.kid).toBe(old.kid);
  now += 1;
  expect(await server.find(old.kid)).toBeUndefined();
  expect(records.rows.map(({ kid }) => kid)).toEqual([next.kid]);
});

test('a rotation can be announced, and the announced key does not sign before', async () => {
  const records = new RecordedKeys();
  const keys = processWith(records);
  const old = await keys.current();
  const next = await keys.rotate(3_600_000);
  expect(await keys.describe()).toEqual([
    {
      kid: old.kid,
      createdAt: start,
      isCurrent: true,
      retiredAt: start + 3_600_000,
      endsAt: start + 3_600_000 + retainMs,
    },
    { kid: next.kid, createdAt: start, isCurrent: false, retiredAt: undefined, endsAt: undefined },
  ]);
  now += 3_600_000;
  expect((await keys.current()).kid).toBe(next.kid);
});

test('a rotation at once goes before one that was announced, and none puts an earlier one off', async () => {
  const records = new RecordedKeys();
  const keys = processWith(records);
  const first = await keys.current();
  now += 1;
  const second = await keys.rotate(3_600_000);
  now += 1;
  const third = await keys.rotate();
  now += 1;
  await keys.rotate(3_600_000);
  now += handoverMs;
  expect((await keys.current()).kid).toBe(third.kid);
  const retired = new Map(records.rows.map(({ kid, retiredAt }) => [kid, retiredAt]));
  expect([retired.get(first.kid), retired.get(second.kid)]).toEqual([
    start + 2 + handoverMs,
    start + 2 + handoverMs,
  ]);
});

test('no rotation is quicker than all processes notice it', async () => {
  const keys = processWith(new RecordedKeys());
  const old = await keys.current();
  await keys.rotate(handoverMs - 1000);
  expect((await keys.describe())[0]?.retiredAt).toBe(start + handoverMs);
  now += handoverMs - 1;
  expect((await keys.current()).kid).toBe(old.kid);
});

test('two rotations at once leave a key that signs', async () => {
  const records = new RecordedKeys();
  const keys = processWith(records);
  const old = await keys.current();
  await Promise.all([processWith(records).rotate(), processWith(records).rotate()]);
  now += handoverMs;
  const current = await keys.current();
  expect(current.kid).not.toBe(old.kid);
  now += retainMs;
  expect((await keys.current()).kid).toBe(current.kid);
});

test('a retired key that was thrown away is refused within a second, where no other key is asked for too', async () => {
  const records = new RecordedKeys();
  const keys = processWith(records);
  const { kid } = await keys.current();
  await processWith(records).rotate();
  await records.remove(kid);
  now += 1000;
  expect(await keys.find(kid)).toBeUndefined();
});

test('a key recorded before there were certificates signs and verifies by its old id, and gets one that stays', async () => {
  const records = new RecordedKeys();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = await calculateJwkThumbprint(privateKey);
  const privateKeySealed = secretBox.seal(
    JSON.stringify(privateKey.export({ format: 'jwk' })),
    `signing-key:${kid}`,
  );
  await records.add({ kid, algorithm: 'ES256', privateKeySealed, createdAt: start });
  const [one, other] = await Promise.all([processWith(records).current(), processWith(records).current()]);
  expect([one.kid, (await processWith(records).find(kid))?.kid]).toEqual([kid, kid]);
  expect(new X509Certificate(one.certificate).publicKey.equals(publicKey)).toBe(true);
  expect(other.certificate).toBe(one.certificate);
  expect(records.rows[0]?.certificate).toBe(one.certificate);
});
