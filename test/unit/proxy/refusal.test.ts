import { expect, test } from 'vitest';
import {
  OutboundError,
  type OutboundErrorKind,
  type OutboundErrorOptions,
} from '../../../src/outbound/outbound-error.ts';
import { answerOf, refusalOf } from '../../../src/proxy/refusal.ts';
import { FakeUpstream } from '../../support/fake-upstream.ts';
import { atUpstream } from './proxy-kit.ts';

type Said = readonly [OutboundErrorKind, OutboundErrorOptions?];

function refusal(...said: readonly Said[]) {
  const answers = said.map(([kind, options], index) => ({
    source: { groupId: 1, repository: atUpstream, upstream: new FakeUpstream({ id: index + 1 }) },
    error: new OutboundError(kind, `says ${kind}`, options),
  }));
  return refusalOf('BLOB_UNKNOWN', 'blob 1', answers);
}

const unreachable = { unreachable: true };
const timedOut = { timedOut: true };

test.each<[code: string, status: number, ...Said[]]>([
  ['BLOB_UNKNOWN', 404],
  ['BLOB_UNKNOWN', 404, ['not-found']],
  ['BLOB_UNKNOWN', 404, ['not-found'], ['unauthorized']],
  ['UNAVAILABLE', 502, ['not-found'], ['invalid']],
  ['UNAVAILABLE', 502, ['invalid'], ['unavailable']],
  ['UNAVAILABLE', 502, ['unavailable'], ['unavailable', unreachable]],
  ['UNAVAILABLE', 503, ['unavailable', unreachable], ['unavailable', unreachable]],
  ['UNAVAILABLE', 503, ['unavailable', unreachable], ['not-found'], ['invalid']],
  ['UNAVAILABLE', 504, ['unavailable', timedOut], ['unavailable']],
  ['UNAVAILABLE', 504, ['unavailable', timedOut], ['unavailable', unreachable]],
  ['TOOMANYREQUESTS', 429, ['unavailable'], ['rate-limited'], ['invalid'], ['not-found']],
])('who is told %s (%i) is told why by each upstream', (code, status, ...said) => {
  expect(refusal(...said)).toMatchObject({ code, status });
  for (const [index, [kind]] of said.entries())
    expect(refusal(...said).detail).toContain(`upstream ${index + 1} (upstream ${index + 1}): says ${kind}`);
});

test.each<[string, ...OutboundErrorKind[]]>([
  ['was not found', 'not-found', 'unauthorized'],
  ['could not be fetched', 'not-found', 'unavailable'],
  ['could not be fetched', 'invalid'],
  ['was not found', 'not-found'],
])('absence is told from failure: "%s"', (words, ...kinds) => {
  const each = kinds.map((kind, index) => `upstream ${index + 1} (upstream ${index + 1}): says ${kind}`);
  expect(refusal(...kinds.map((kind): Said => [kind])).detail).toBe(`blob 1 ${words}: ${each.join('; ')}`);
});

test.each<[seconds: string, ...(number | undefined)[]]>([
  ['60', undefined],
  ['2', 60_000, 1001],
  ['1', 0],
  ['60', 90_000, undefined],
])('who is over a limit is to wait %s s, as long as the quickest says', (seconds, ...waits) => {
  const said = waits.map((retryAfterMs): Said => ['rate-limited', { retryAfterMs }]);
  expect(refusal(...said, ['unavailable']).headers).toEqual({ 'Retry-After': seconds });
});

test('what is no answer of an upstream is a bug', () => {
  const source = { groupId: 1, repository: atUpstream, upstream: new FakeUpstream({ id: 1 }) };
  expect(() => answerOf(source, new TypeError('a bug'))).toThrow('a bug');
});
