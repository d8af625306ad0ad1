/** RE2, whose time is linear in what it looks at. It is loaded with the first expression: most servers never need its tables of some 4 MiB. */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

const require = createRequire(import.meta.url);

/** Node loads it once. */
function load(): typeof import('re2js') {
  return require('re2js');
}

/** An expression, ready to be matched. */
export type Re2 = RE2JS;

/** Says that a text is no RE2; the message says why. */
export class Re2Error extends Error {
  override readonly name = 'Re2Error';
}

/** @throws Re2Error */
export function compileRe2(text: string): Re2 {
  const { RE2JS, RE2JSException } = load();
  try {
    return RE2JS.compile(text);
  } catch (cause) {
    if (cause instanceof RE2JSException) throw new Re2Error(cause.message, { cause });
    throw cause;
  }
}

/** An expression that matches this very text. */
export function quoteRe2(text: string): string {
  return load().RE2JS.quote(text);
}
