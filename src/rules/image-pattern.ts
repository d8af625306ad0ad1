/**
 * Names of images and tags as people write them for several at once: `*` stands for anything within a segment, `**` for anything at
 * all. Matched in linear time.
 */
import { RE2JS } from 're2js';

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
      .map((part) => (part.startsWith('*') ? (part === '*' ? '[^/]*' : '.*') : RE2JS.quote(part)));
    return new ImagePattern(RE2JS.compile(parts.join('')));
  }

  /** Whether it matches the whole name. */
  matches(name: string): boolean {
    return this.#compiled.testExact(name);
  }
}
