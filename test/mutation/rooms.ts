/** What is changed for the worse on purpose, and the tests that have to see it. */

export interface MutatedRoom {
  /** Below src/, as patterns. */
  readonly sources: readonly string[];
  /** Below test/, as patterns: the quick ones of the room, and of the whole server those whose promises the room keeps. */
  readonly tests: readonly string[];
}

export const rooms: Readonly<Record<string, MutatedRoom>> = {
  rules: { sources: ['rules/**/*.ts'], tests: ['unit/rules/**/*.test.ts'] },
  storage: { sources: ['storage/*.ts'], tests: ['unit/storage/*.test.ts'] },
  objects: {
    sources: ['storage/{objects,read-cache,redirects}/*.ts'],
    tests: ['unit/storage/{objects,read-cache,redirects}/*.test.ts', 'integration/object-stores.test.ts'],
  },
  clouds: {
    sources: ['storage/{s3,azure,gcs}/*.ts'],
    tests: ['unit/storage/{s3,azure,gcs}/*.test.ts'],
  },
  cluster: { sources: ['cluster/*.ts'], tests: ['unit/cluster/*.test.ts'] },
  gc: { sources: ['{gc,retention}/**/*.ts'], tests: ['unit/{gc,retention}/**/*.test.ts'] },
  hosted: { sources: ['hosted/**/*.ts'], tests: ['unit/hosted/**/*.test.ts'] },
  proxy: { sources: ['proxy/**/*.ts'], tests: ['unit/proxy/**/*.test.ts'] },
  upstreams: {
    sources: ['{upstreams,outbound}/**/*.ts'],
    tests: ['unit/{upstreams,outbound}/**/*.test.ts'],
  },
  // What checks passwords takes most of the time of unit/auth, and is none of theirs.
  auth: {
    sources: ['auth/{rights,tokens}/**/*.ts'],
    tests: ['unit/auth/{rights,tokens}/**/*.test.ts', 'unit/auth/forged-tokens.test.ts'],
  },
};

/** At least so many of a hundred faults must be seen, in each room. */
export const neededPercent = 90;
