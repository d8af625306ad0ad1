import { expect, test } from 'vitest';
import { ObjectStorageError } from '../../../../src/storage/objects/object-storage.ts';
import { isAbsent, s3Failure } from '../../../../src/storage/s3/s3-failures.ts';

const failed = { call: 'PutObject', permission: 's3:PutObject', place: 's3://images/' };

function faultOf(cause: unknown): string {
  const failure = s3Failure(cause, failed);
  expect(failure).toBeInstanceOf(ObjectStorageError);
  expect(failure).toMatchObject({ failed, cause });
  return failure instanceof ObjectStorageError ? failure.fault : '';
}

function errorOf(name: string, more: object = {}): Error {
  return Object.assign(new Error('said'), { name }, more);
}

test.each([
  [
    'denied',
    'AccessDenied Forbidden InvalidAccessKeyId SignatureDoesNotMatch ExpiredToken InvalidToken XAdminUserNotFound CredentialsProviderError AllAccessDisabled KMS.DisabledException',
  ],
  ['absent', 'NoSuchBucket PermanentRedirect AuthorizationHeaderMalformed'],
  ['clock', 'RequestTimeTooSkewed'],
  ['busy', 'SlowDown ServiceUnavailable TooManyRequests RequestLimitExceeded Throttling'],
  ['full', 'XMinioStorageFull XMinioAdminBucketQuotaExceeded QuotaExceeded'],
  [
    'unreachable',
    'TimeoutError NetworkingError ECONNREFUSED ECONNRESET ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH ETIMEDOUT EPIPE',
  ],
  ['failing', 'InternalError'],
])('it is %s where S3, or the network, says %s', (fault, names) => {
  for (const name of names.split(' ')) {
    expect([name, faultOf(errorOf(name))]).toEqual([name, fault]);
    expect([name, faultOf(errorOf('Error', { code: name }))]).toEqual([name, fault]);
  }
});

test.each([
  [301, 'absent'],
  [401, 'denied'],
  [403, 'denied'],
  [429, 'busy'],
  [503, 'busy'],
  [507, 'full'],
  [500, 'failing'],
  ['403', 'failing'],
])('where the name says nothing, the status %j does', (httpStatusCode, fault) => {
  expect(faultOf(errorOf('Unknown', { $metadata: { httpStatusCode } }))).toBe(fault);
});

test('what says nothing at all is a failure', () => {
  for (const cause of [
    'text',
    undefined,
    errorOf('Unknown', { $metadata: null }),
    errorOf('Unknown', { $metadata: 403 }),
  ])
    expect(faultOf(cause)).toBe('failing');
  expect(faultOf(errorOf('Unknown', { $metadata: {} }))).toBe('failing');
});

test('what was called off, or was told before, stays as it is', () => {
  const [aborted, known] = [errorOf('AbortError'), new ObjectStorageError('busy', failed, undefined)];
  for (const error of [aborted, known]) expect(s3Failure(error, { ...failed, call: 'Other' })).toBe(error);
});

test.each([
  ['NoSuchKey', true],
  ['NotFound', true],
  ['NoSuchUpload', true],
  ['NoSuchBucket', false],
])('%s is the absence of an object: %s', (name, isSo) => {
  expect(isAbsent(errorOf(name))).toBe(isSo);
  expect(isAbsent({ name })).toBe(false);
});
