/** Why S3 did not do what it was asked, from what the SDK throws. */
import { type FailedCall, type ObjectFault, ObjectStorageError } from '../objects/object-storage.ts';

/** By the name of the error: those of S3, of what is compatible with it, and of connections. */
const faults: ReadonlyMap<string, ObjectFault> = new Map([
  ['AccessDenied', 'denied'],
  ['Forbidden', 'denied'],
  ['InvalidAccessKeyId', 'denied'],
  ['SignatureDoesNotMatch', 'denied'],
  ['ExpiredToken', 'denied'],
  ['InvalidToken', 'denied'],
  ['XAdminUserNotFound', 'denied'],
  ['CredentialsProviderError', 'denied'],
  ['AllAccessDisabled', 'denied'],
  ['KMS.DisabledException', 'denied'],
  ['NoSuchBucket', 'absent'],
  ['PermanentRedirect', 'absent'],
  ['AuthorizationHeaderMalformed', 'absent'],
  ['RequestTimeTooSkewed', 'clock'],
  ['SlowDown', 'busy'],
  ['ServiceUnavailable', 'busy'],
  ['TooManyRequests', 'busy'],
  ['RequestLimitExceeded', 'busy'],
  ['Throttling', 'busy'],
  ['XMinioStorageFull', 'full'],
  ['XMinioAdminBucketQuotaExceeded', 'full'],
  ['QuotaExceeded', 'full'],
  ['TimeoutError', 'unreachable'],
  ['NetworkingError', 'unreachable'],
  ['ECONNREFUSED', 'unreachable'],
  ['ECONNRESET', 'unreachable'],
  ['ENOTFOUND', 'unreachable'],
  ['EAI_AGAIN', 'unreachable'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['ETIMEDOUT', 'unreachable'],
  ['EPIPE', 'unreachable'],
]);
/** By status, where the name says nothing: an answer to HEAD has no body that could. */
const statuses: ReadonlyMap<number, ObjectFault> = new Map([
  [301, 'absent'],
  [401, 'denied'],
  [403, 'denied'],
  [429, 'busy'],
  [503, 'busy'],
  [507, 'full'],
]);
const absentNames = new Set(['NoSuchKey', 'NotFound', 'NoSuchUpload']);

/** The object or the write is not there; a bucket that is not is another thing. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && absentNames.has(error.name);
}

export function s3Failure(cause: unknown, failed: FailedCall): Error {
  if (cause instanceof ObjectStorageError) return cause;
  if (cause instanceof Error && cause.name === 'AbortError') return cause;
  return new ObjectStorageError(faultOf(cause), failed, cause);
}

function faultOf(cause: unknown): ObjectFault {
  if (!(cause instanceof Error)) return 'failing';
  const code = 'code' in cause ? String(cause.code) : '';
  return faults.get(cause.name) ?? faults.get(code) ?? statuses.get(statusOf(cause)) ?? 'failing';
}

/** 0 where there was no answer. */
function statusOf(error: Error): number {
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  const isKnown = typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata;
  return isKnown && typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : 0;
}
