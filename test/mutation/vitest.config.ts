import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: Vitest asks for it
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, '../..'),
    globalSetup: ['test/support/run.ts'],
    runner: resolve(import.meta.dirname, 'runner.ts'),
    include: (process.env['MUTATION_TESTS'] ?? '').split(' ').filter((pattern) => pattern !== ''),
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
