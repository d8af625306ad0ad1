import { expect, test } from 'vitest';
import { failureOf, parseFillSaid } from '../../../src/cluster/said.ts';
import { OciError } from '../../../src/oci/errors.ts';

const parse = (value: unknown) => parseFillSaid(Buffer.from(JSON.stringify(value)));
const source = { upstreamId: 1, repository: 'library/web', origin: 'https://a.test' };

test('what is said of a fill is read as it was, and what a later version says besides is not', () => {
  const said = { proven: [source], size: 7, sources: [source], isComplete: true, isStored: false };
  expect(parse({ ...said, later: 1 })).toEqual(said);
  expect(parse({})).toEqual({});
});

test('a failure comes over as what it was', () => {
  const error = new OciError('TOOMANYREQUESTS', {
    details: ['a', 'b'],
    status: 429,
    headers: { 'Retry-After': '7' },
  });
  const { failure } = parse({ failure: failureOf(error) });
  expect(failure).toBeInstanceOf(OciError);
  expect(failure).toMatchObject({
    code: 'TOOMANYREQUESTS',
    status: 429,
    details: ['a', 'b'],
    headers: { 'Retry-After': '7' },
  });
});

test.each([
  'what?',
  '5',
  '{"size":"7"}',
  '{"proven":[{}]}',
  '{"failure":{"code":"toString","status":500,"details":[],"headers":{}}}',
  '{"failure":{"code":"UNKNOWN"}}',
])('%s is not understood', (text) => {
  expect(() => parseFillSaid(Buffer.from(text))).toThrow(
    expect.objectContaining({
      kind: 'unavailable',
      message: 'said what is not understood',
      cause: expect.any(Error),
    }),
  );
});
