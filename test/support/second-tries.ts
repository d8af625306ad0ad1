import type { Reporter, TestCase } from 'vitest/node';

/** Names what passed only when it was tried again (`--retry`), which Vitest itself keeps to itself. */
// biome-ignore lint/style/noDefaultExport: Vitest asks for it
export default class SecondTries implements Reporter {
  onTestCaseResult(test: TestCase): void {
    if (!test.diagnostic()?.flaky) return;
    const [fault] = test.result().errors ?? [];
    const name = `${test.module.relativeModuleId}: ${test.fullName}`;
    process.stdout.write(`passed at the second try: ${name}: ${fault?.message}\n`);
  }
}
