import { type SerializedConfig, TestRunner } from 'vitest';

/**
 * Runs the tests that Stryker asks for by name, those in groups, too: Vitest puts ` > ` between the names of a group and of a test, and
 * Stryker a space, so that they would be skipped and every fault that they see called unseen.
 */
// biome-ignore lint/style/noDefaultExport: Vitest asks for it
export default class NamedTestRunner extends TestRunner {
  constructor(config: SerializedConfig) {
    const { testNamePattern: names } = config;
    super({
      ...config,
      ...(names && { testNamePattern: new RegExp(names.source.replaceAll(' ', '(?: > | )')) }),
    });
  }
}
