import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';

describeEachDatabase('records of signing keys', (open) => {
  test('signing keys are kept until they are removed', async () => {
    const { signingKeys } = await open();
    const old = {
      kid: 'b',
      algorithm: 'ES256',
      privateKeySealed: 'sealed',
      certificate: 'PEM',
      createdAt: 1,
      retiredAt: undefined,
    };
    const young = { ...old, kid: 'a', certificate: undefined, createdAt: 2 };
    await signingKeys.add(young);
    await signingKeys.add(old);
    expect(await signingKeys.list()).toEqual([old, young]);
    await expect(signingKeys.add(old)).rejects.toMatchObject({ constraint: 'signing_keys_kid' });
    await signingKeys.remove('b');
    expect(await signingKeys.list()).toEqual([young]);
  });

  test('a key is retired once, and is still there', async () => {
    const { signingKeys } = await open();
    const key = { algorithm: 'ES256', privateKeySealed: 'sealed', createdAt: 1 };
    await signingKeys.add({ ...key, kid: 'a' });
    await signingKeys.add({ ...key, kid: 'b' });
    await signingKeys.setRetired('a', 1000);
    await signingKeys.setRetired('a', 2000);
    expect((await signingKeys.list()).map((each) => [each.kid, each.retiredAt])).toEqual([
      ['a', 1000],
      ['b', undefined],
    ]);
  });

  test('a key without a certificate gets the first that is made for it', async () => {
    const { signingKeys } = await open();
    const key = { kid: 'a', algorithm: 'ES256', privateKeySealed: 'sealed', createdAt: 1 };
    await signingKeys.add(key);
    const all = await Promise.all(
      ['first', 'second'].map((text) => signingKeys.ensureCertificate('a', text)),
    );
    const [kept] = (await signingKeys.list()).map((each) => each.certificate);
    expect(all).toEqual([kept, kept]);
    expect(await signingKeys.ensureCertificate('a', 'third')).toBe(kept);
    expect(await signingKeys.ensureCertificate('b', 'x')).toBeUndefined();
  });
});
