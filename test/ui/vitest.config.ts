import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    globalSetup: ['support/built-page.ts'],
    reporters: ['default', '../support/second-tries.ts'],
    fileParallelism: false,
    // Only what hangs takes so long: a busy machine is no reason to fail.
    testTimeout: 600_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
