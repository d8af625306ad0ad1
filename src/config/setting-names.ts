/** How settings are called in YAML and in the environment, and how in the code, where every duration is in milliseconds. */

/** Durations whose name does not say so. */
const renamed: readonly (readonly [written: string, key: string])[] = [
  ['review_after', 'reviewAfterMs'],
  ['interval', 'pollMs'],
  ['untagged', 'untaggedMs'],
  ['seconds', 'windowMs'],
];

/** `shutdown_seconds` is `shutdownMs`. */
export function keyOf(written: string): string {
  const key = renamed.find(([each]) => each === written)?.[1];
  return (
    key ??
    written.replace(/_seconds$/, '_ms').replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  );
}

export function writtenNameOf(key: string): string {
  const written = renamed.find(([, each]) => each === key)?.[0];
  return written ?? key.replace(/Ms$/, 'Seconds').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
