/**
 * Names of images and tags as people write them for several at once: `*` stands for anything within a segment, `**` for anything at
 * all. Matched in linear time.
 */
import { compileRe2, quoteRe2, type RE2JS } from './re2.ts';

/** Of the text. */
export const maxImagePatternLength = 255;

const accepted = /^[\w.*/-]+$/;

export class ImagePattern {
  readonly #compiled: RE2JS;

  private constructor(compiled: RE2JS) {
    this.#compiled = compiled;
  }

  /** Undefined for what no name could match: other characters than names have, or too many. */
  static find(text: string): ImagePattern | undefined {
    if (text.length > maxImagePatternLength || !accepted.test(text)) return undefined;
    const parts = text
      .split(/(\*+)/)
      .map((part) => (part.startsWith('*') ? (part === '*' ? '[^/]*' : '.*') : quoteRe2(part)));
    return new ImagePattern(compileRe2(parts.join('')));
  }

  /** Whether it matches the whole name. */
  matches(name: string): boolean {
    return this.#compiled.testExact(name);
  }
}
