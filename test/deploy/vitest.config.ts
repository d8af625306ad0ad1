import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: Vitest asks for it
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    reporters: ['default', '../support/second-tries.ts'],
    fileParallelism: false,
    // Where a tool is made first, this takes minutes.
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
});
