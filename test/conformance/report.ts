/** What the suite prints: a tree of tests, its configuration, and the result table. Its junit.xml is not written where it crashes after that. */

export interface Report {
  readonly passed: number;
  /** Errors of the suite itself count as failures. */
  readonly failed: number;
  /** The registry answered that it does not do this. */
  readonly skipped: number;
  /** By the suite's configuration. */
  readonly disabled: number;
  /** That the suite was built from, where it knows. */
  readonly commit: string | undefined;
  /** Tests that failed or were skipped, without those of which only a part did. */
  readonly unmet: readonly Unmet[];
}

export interface Unmet {
  readonly test: string;
  readonly status: 'FAIL' | 'Error' | 'Skip';
  readonly reasons: readonly string[];
}

const root = 'OCI Conformance Test';
const testLine = new RegExp(`^ *${root}(?:/(.+))?: (Pass|FAIL|Error|Skip|Disabled|Unknown)$`);
const tableLines = {
  disabled: /^ {2}Disabled\.*: +(\d+)$/m,
  skipped: /^ {2}Skip\.*: +(\d+)$/m,
  passed: /^ {2}Pass\.*: +(\d+)$/m,
  failed: /^ {2}FAIL\.*: +(\d+)$/m,
  errors: /^ {2}Error\.*: +(\d+)$/m,
  total: /^ {2}Total\.*: +(\d+)$/m,
};

/** @throws Error where there is no result table, it does not add up, or nothing ran */
export function parseReport(text: string): Report {
  const count = (line: RegExp) => {
    const digits = line.exec(text)?.[1];
    if (digits === undefined)
      throw new Error(`the suite ended without its result table:\n${text.slice(-2000)}`);
    return Number(digits);
  };
  const skipped = count(tableLines.skipped);
  const passed = count(tableLines.passed);
  const failed = count(tableLines.failed) + count(tableLines.errors);
  const disabled = count(tableLines.disabled);
  if (passed + failed + skipped + disabled !== count(tableLines.total))
    throw new Error('the result table does not add up');
  if (passed + failed + skipped === 0) throw new Error('the suite ran no test');
  const commit = /^ {2}commit: "?([\w.+-]+)"?$/m.exec(text)?.[1];
  return {
    passed,
    failed,
    skipped,
    disabled,
    commit: commit === 'unknown' ? undefined : commit,
    unmet: unmetTests(text.slice(0, text.indexOf('\nConfiguration:'))),
  };
}

function unmetTests(tree: string): Unmet[] {
  const tests: { readonly test: string; readonly status: string; readonly reasons: string[] }[] = [];
  for (const line of tree.split('\n')) {
    const [isTest, test = '', status = ''] = testLine.exec(line) ?? [];
    if (isTest !== undefined) tests.push({ test, status, reasons: [] });
    else if (line.trim() !== '') tests.at(-1)?.reasons.push(line.trim().replace(/^- /, ''));
  }
  return tests.flatMap(({ test, status, reasons }) => {
    if (status !== 'FAIL' && status !== 'Error' && status !== 'Skip') return [];
    const isOfPart = tests.some((part) => part.status === status && isWithin(part.test, test));
    return isOfPart ? [] : [{ test, status, reasons }];
  });
}

function isWithin(part: string, whole: string): boolean {
  return whole === '' ? part !== '' : part.startsWith(`${whole}/`);
}
