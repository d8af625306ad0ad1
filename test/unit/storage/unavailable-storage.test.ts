import { expect, test } from 'vitest';
import { UnavailableError } from '../../../src/oci/unavailable.ts';
import { fromStorage, storageFault } from '../../../src/storage/unavailable-storage.ts';

const refusal = (code: string) => Object.assign(new Error(`${code}: /secret/path`), { code });

test.each([
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk is full'],
  ['EROFS', 'the storage is read-only'],
  ['EIO', 'the disk fails'],
  ['ENOMEM', 'the server is out of memory'],
  ['EMFILE', 'the server has too many files open'],
  ['ENFILE', 'the server has too many files open'],
  ['EACCES', 'the server may not use its storage'],
  ['EPERM', 'the server may not use its storage'],
  ['ENOENT', 'the storage is not there'],
  ['ENOTDIR', 'the storage is not there'],
  ['ENODEV', 'the storage is not there'],
  ['ENXIO', 'the storage is not there'],
  ['ESTALE', 'the storage is not there'],
  ['ENOTCONN', 'the storage is not there'],
  ['EHOSTDOWN', 'the storage is not there'],
  ['ETIMEDOUT', 'the storage is not there'],
])('%s is told to strangers as: %s', async (code, sentence) => {
  const cause = refusal(code);
  const told: unknown = await fromStorage(Promise.reject(cause)).catch((error: unknown) => error);
  expect(told).toBeInstanceOf(UnavailableError);
  expect(told).toMatchObject({ message: sentence, cause });
});

test('what works, and what is none of the system’s faults, stays as it is', async () => {
  expect(await fromStorage(Promise.resolve(7))).toBe(7);
  for (const error of [new Error('x'), refusal('EEXIST'), 'x']) {
    expect(storageFault(error)).toBeUndefined();
    await expect(fromStorage(Promise.reject(error))).rejects.toBe(error);
  }
});
