import { expect, test } from 'vitest';
import { gcsFault, isAbsentObject } from '../../../../src/storage/gcs/gcs-fault.ts';

const noBucket = { error: { code: 404, message: 'The specified bucket does not exist.' } };

test.each([
  [{ response: { status: 404, data: noBucket } }, 'absent'],
  [{ response: { status: 404, data: '<Error><Code>NoSuchBucket</Code></Error>' } }, 'absent'],
  [{ response: { status: 403, data: '<Error><Code>RequestTimeTooSkewed</Code></Error>' } }, 'clock'],
  [{ message: 'invalid_grant: a short-lived token (60 minutes) and in a reasonable timeframe' }, 'clock'],
  [{ response: { status: 429 } }, 'busy'],
  [{ response: { status: 503 } }, 'busy'],
  [{ response: { status: 401 } }, 'denied'],
  [{ response: { status: 403, data: {} } }, 'denied'],
  [{ response: { status: 400, data: { error: 'invalid_grant' } } }, 'denied'],
  [{ message: 'Could not load the default credentials.' }, 'denied'],
  [{ response: { status: 500 } }, 'failing'],
  [{ response: { status: 404, data: 'No such object: b/a' } }, 'failing'],
  [{ message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' }, 'unreachable'],
  [undefined, 'unreachable'],
])('%j is %s', (error, fault) => {
  expect(gcsFault(error)).toBe(fault);
});

test('an object is absent only where its bucket is there', () => {
  expect(isAbsentObject({ response: { status: 404, data: 'No such object: b/a' } })).toBe(true);
  expect(isAbsentObject({ response: { status: 404, data: noBucket } })).toBe(false);
  expect(isAbsentObject({ response: { status: 403 } })).toBe(false);
});
