/** What is changed for the worse on purpose, and the tests that have to see it. */

export interface MutatedRoom {
  /** Below src/. */
  readonly sources: readonly string[];
  /** Below test/: the quick ones of the room, and of the whole server those whose promises the room keeps. */
  readonly tests: readonly string[];
}

export const rooms: Readonly<Record<string, MutatedRoom>> = {
  rules: { sources: ['rules'], tests: ['unit/rules'] },
  storage: { sources: ['storage'], tests: ['unit/storage'] },
  gc: { sources: ['gc', 'retention'], tests: ['unit/gc', 'unit/retention'] },
  hosted: { sources: ['hosted'], tests: ['unit/hosted'] },
  proxy: { sources: ['proxy'], tests: ['unit/proxy'] },
  upstreams: { sources: ['upstreams', 'outbound'], tests: ['unit/upstreams', 'unit/outbound'] },
  // What checks passwords takes most of the time of unit/auth, and is none of theirs.
  auth: {
    sources: ['auth/rights', 'auth/tokens'],
    tests: ['unit/auth/rights', 'unit/auth/tokens', 'unit/auth/forged-tokens.test.ts'],
  },
};

/** At least so many of a hundred faults must be seen, in each room. */
export const neededPercent = 90;
