/** Names of images and tags as people write them for several at once: globs of stars alone. Matched in linear time. */
import { maxGlobLength, translateGlob } from './glob.ts';
import { compileRe2, type Re2 } from './re2.ts';

const accepted = /^[\w.*/-]+$/;

export class ImagePattern {
  readonly #compiled: Re2;

  private constructor(compiled: Re2) {
    this.#compiled = compiled;
  }

  /** Undefined for a text that no name could match: it has other characters than names, or too many. */
  static find(text: string): ImagePattern | undefined {
    if (text.length > maxGlobLength || !accepted.test(text)) return undefined;
    return new ImagePattern(compileRe2(translateGlob(text).re2));
  }

  /** Whether it matches the whole name. */
  matches(name: string): boolean {
    return this.#compiled.testExact(name);
  }
}
