import { expect, test } from 'vitest';
import { describeCounts, describeOutcome } from '../../../src/gc/describe-run.ts';
import { digestOfText } from '../../support/hosted-records.ts';

const digest = digestOfText('thing');
const review = {
  kind: 'blob',
  digest,
  repositoryId: 1,
  reviewAfter: 0,
  event: 'blob_upload',
  failures: 0,
  lastError: undefined,
  claimedUntil: undefined,
} as const;
const kept = { is: 'kept', until: undefined, why: 'of a rule' } as const;

test.each([
  ['link', `blob ${digest}`],
  ['blob', `bytes of blob ${digest}`],
  ['manifest', `manifest ${digest}`],
  ['payload', `payload ${digest}`],
] as const)('a line says what it is about: %s', (kind, name) => {
  const outcome = { review: { ...review, kind }, verdict: kept, bytes: 0 };
  expect(describeOutcome(outcome, undefined)).toBe(`${name}: stays: of a rule`);
});

const holders = [
  [{ by: 'repository', repositoryId: 1, repository: 'acme/shop' }, 'repository acme/shop'],
  [{ by: 'tag', tag: 'v1' }, 'tag v1'],
  [{ by: 'manifest', digest }, `manifest ${digest}`],
  [{ by: 'index', digest }, `index ${digest}`],
  [{ by: 'subject', digest }, `subject ${digest}`],
  [
    { by: 'cache entry', entryId: 7, upstreamId: 3, repository: 'library/redis', reference: '7' },
    'cache entry 7 of upstream 3 (library/redis 7)',
  ],
] as const;

test.each([
  ...holders.map(([by, name]) => [{ is: 'held', by }, `stays: ${name} holds it`] as const),
  [{ is: 'garbage', why: 'nobody needs it' }, 'goes: nobody needs it (after blob_upload)'],
  [{ ...kept, until: Date.UTC(2026, 0, 1) }, 'stays until 2026-01-01T00:00:00.000Z: of a rule'],
  [{ is: 'gone' }, 'is gone already'],
  [{ is: 'failed', error: 'no answer' }, 'could not be looked at: no answer'],
] as const)('a line says where it is, how big, and what becomes of it: %j', (verdict, told) => {
  const line = describeOutcome({ review, verdict, bytes: 5 }, 'acme/shop');
  expect(line).toBe(`bytes of blob ${digest} of acme/shop (5 bytes): ${told}`);
});

test.each([
  [false, 0, 'Removed: ', ''],
  [true, 0, 'Nothing was changed. Would go: ', ''],
  [false, 6, 'Removed: ', ' 6 failed; the log says why.'],
])('the last line counts what went, or would go (%s, %i)', (isDry, failed, head, tail) => {
  const counts = { reviewed: 9, manifests: 1, links: 2, blobs: 3, bytes: 40, payloads: 5, failed };
  expect(describeCounts(counts, isDry)).toBe(
    `9 things were looked at. ${head}1 manifests, 2 links of blobs, 3 blobs with 40 bytes, and 5 payloads of manifests.${tail}`,
  );
});
