import { expect, test } from 'vitest';
import { OciError } from '../../../src/oci/errors.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import { SourceFault } from '../../../src/replication/image-source.ts';
import { firstPauseMs, maxTries, verdictOn } from '../../../src/replication/verdict.ts';

test('whoever limits our rate is waited for as long as they say, all of it, however often', () => {
  const limited = new OutboundError('rate-limited', 'limits our rate (429)', { retryAfterMs: 5000 });
  expect(verdictOn(limited, maxTries)).toMatchObject({ isOfAll: true, isLimited: true, waitMs: 5000 });
  expect(verdictOn(new OutboundError('rate-limited', 'x'), 0)).toMatchObject({ waitMs: 60_000 });
  const fault = new SourceFault('the tag v1: x', { cause: limited });
  expect(verdictOn(fault, 0)).toMatchObject({ reason: 'the tag v1: x', isOfAll: true, waitMs: 5000 });
});

test('a registry that cannot be reached keeps all that goes there waiting', () => {
  const away = new OutboundError('unavailable', 'cannot be reached', { unreachable: true });
  expect(verdictOn(away, 1)).toMatchObject({ isOfAll: true, isLimited: false, waitMs: 2 * firstPauseMs });
});

test('what failed is tried again after pauses that grow, and not for ever', () => {
  const failed = new OutboundError('unavailable', 'failed (503)', { status: 503, retryAfterMs: 600_000 });
  expect(verdictOn(failed, 0)).toMatchObject({ isOfAll: false, waitMs: 600_000 });
  const lied = new SourceFault('took v1, and has it not');
  expect([0, 1, 4, 5].map((tries) => verdictOn(lied, tries).waitMs)).toEqual([
    60_000,
    120_000,
    960_000,
    undefined,
  ]);
});

test.each([
  ['unauthorized', new OutboundError('unauthorized', 'refused it (403): DENIED', { status: 403 })],
  ['not-found', new OutboundError('not-found', 'does not have it (404)', { status: 404 })],
  ['invalid', new OutboundError('invalid', 'refused it (400)', { status: 400 })],
  ['our own refusal', new OciError('DENIED', { detail: 'the quota is used up' })],
])('what is refused is not tried again: %s', (_, error) => {
  expect(verdictOn(error, 0)).toMatchObject({ waitMs: undefined, isOfAll: false, isBug: false });
});

test('an error that nobody foresaw is a bug, whose words are for the log', () => {
  expect(verdictOn(new Error('secret'), 0)).toEqual({
    reason: 'an error in this server, of which its log says more',
    isOfAll: false,
    isLimited: false,
    isBug: true,
    waitMs: firstPauseMs,
  });
});
