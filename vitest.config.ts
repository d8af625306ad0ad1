import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts', 'test/integration/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // By default one core is left idle, which is half of a small machine: tests wait for disks and databases more than they compute.
    maxWorkers: '100%',
    // A worker loads the server once for all its files, not once for each.
    isolate: false,
  },
});
