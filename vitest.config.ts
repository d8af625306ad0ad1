import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['test/support/run.ts'],
    reporters: ['default', './test/support/second-tries.ts'],
    include: ['test/unit/**/*.test.ts', 'test/integration/**/*.test.ts'],
    // Only what hangs takes so long: a busy machine is no reason to fail.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    // By default one core is left idle, which is half of a small machine: tests wait for disks and databases more than they compute.
    maxWorkers: '100%',
    // A worker loads the server once for all its files, not once for each.
    isolate: false,
  },
});
