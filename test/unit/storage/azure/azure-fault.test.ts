import { expect, test } from 'vitest';
import { azureFault, isAbsentBlob, isCompleteBlob } from '../../../../src/storage/azure/azure-fault.ts';

test.each([
  [{ statusCode: 404, code: 'ContainerNotFound' }, 'absent'],
  [{ statusCode: 404, details: { errorCode: 'ContainerNotFound' } }, 'absent'],
  [{ statusCode: 409, code: 'ContainerBeingDeleted' }, 'absent'],
  [{ statusCode: 503, code: 'ServerBusy' }, 'busy'],
  [{ statusCode: 500, code: 'OperationTimedOut' }, 'busy'],
  [{ statusCode: 429 }, 'busy'],
  [{ statusCode: 403, code: 'AuthenticationFailed', message: 'Request date header too old: …' }, 'clock'],
  [{ statusCode: 403, code: 'AuthorizationPermissionMismatch' }, 'denied'],
  [{ statusCode: 401 }, 'denied'],
  [{ name: 'AggregateAuthenticationError', message: 'ChainedTokenCredential failed' }, 'denied'],
  [{ name: 'AuthenticationError', statusCode: 400 }, 'denied'],
  [{ statusCode: 500, code: 'InternalError' }, 'failing'],
  [{ statusCode: 404, code: 'BlobNotFound' }, 'failing'],
  [{ code: 'ECONNREFUSED' }, 'unreachable'],
  [undefined, 'unreachable'],
])('%j is %s', (error, fault) => {
  expect(azureFault(error)).toBe(fault);
});

test('a blob is absent only where its container is there', () => {
  expect(isAbsentBlob({ statusCode: 404, code: 'BlobNotFound' })).toBe(true);
  expect(isAbsentBlob({ statusCode: 404, details: null })).toBe(true);
  expect(isAbsentBlob({ statusCode: 404, details: { errorCode: 'ContainerNotFound' } })).toBe(false);
  expect(isAbsentBlob({ statusCode: 403 })).toBe(false);
});

test('a blob that is complete is told from other refusals', () => {
  expect([409, 412, 404].map((statusCode) => isCompleteBlob({ statusCode }))).toEqual([true, true, false]);
});
