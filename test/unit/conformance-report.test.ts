import { describe, expect, test } from 'vitest';
import { parseReport } from '../conformance/report.ts';

const tree = `Test results
OCI Conformance Test: FAIL
  OCI Conformance Test/ping: Pass
  OCI Conformance Test/sha256 blobs: FAIL
    OCI Conformance Test/sha256 blobs/mount: Skip
      OCI Conformance Test/sha256 blobs/mount/blob-mount: Skip
       - registry returned status 202
    OCI Conformance Test/sha256 blobs/range 500-: FAIL
     - unexpected status code
     - body contents mismatch

Configuration:
  version: "1.1"
  commit: abc123
`;
const table = `
OCI Conformance Result: FAIL
  Disabled......................:          2
  Skip..........................:          1
  Pass..........................:         20
  FAIL..........................:          1
  Error.........................:          3
  Total.........................:         27
`;

describe("the conformance suite's report", () => {
  test('counts what passed, failed and was skipped; errors are failures', () => {
    expect(parseReport(tree + table)).toMatchObject({ passed: 20, failed: 4, skipped: 1, disabled: 2 });
  });

  test('names each test that did not pass once, with its reasons', () => {
    expect(parseReport(tree + table).unmet).toEqual([
      { test: 'sha256 blobs/mount/blob-mount', status: 'Skip', reasons: ['registry returned status 202'] },
      {
        test: 'sha256 blobs/range 500-',
        status: 'FAIL',
        reasons: ['unexpected status code', 'body contents mismatch'],
      },
    ]);
  });

  test('tells what the suite was built from, where it knows', () => {
    expect(parseReport(tree + table).commit).toBe('abc123');
    expect(parseReport((tree + table).replace('abc123', 'unknown')).commit).toBeUndefined();
  });

  test('is refused without a whole table, so that a crash is no success', () => {
    expect(() => parseReport(tree)).toThrow('without its result table');
    expect(() => parseReport(tree + table.replace('27', '28'))).toThrow('does not add up');
    expect(() => parseReport(tree + table.replace(/\d+$/gm, '0'))).toThrow('ran no test');
  });
});
