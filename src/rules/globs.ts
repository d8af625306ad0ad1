/** Several globs of one purpose, as one program: a name matches where any of them does. */
import { GlobError, maxGlobLength, translateGlob } from './glob.ts';
import { compileRe2, quoteRe2, type Re2 } from './re2.ts';

/** The longest list of globs. */
export const maxGlobs = 50;
/** The choices of one list together; a name of 255 characters then takes a few milliseconds at most, however the globs are made up. */
export const maxGlobChoices = 100;

export class Globs {
  readonly #compiled: Re2 | undefined;

  private constructor(parts: readonly string[]) {
    if (parts.length > 0) this.#compiled = compileRe2(`(?s)(?:${parts.join('|')})`);
  }

  /** @throws GlobError for the first that is no glob, or is one too many */
  static parse(texts: readonly string[]): Globs {
    return Globs.#read(texts, (text, error) => {
      throw new GlobError(`'${text.slice(0, maxGlobLength)}' ${error.message}`);
    });
  }

  /**
   * As {@link parse}, of globs that were accepted once, whatever they are: nothing throws.
   * @param otherwise what a glob that cannot be read matches: nothing, or all names that begin as it does
   */
  static recall(
    texts: readonly string[],
    otherwise: 'nothing' | 'beginning',
    onFault: (text: string, error: GlobError) => void,
  ): Globs {
    return Globs.#read(texts, (text, error) => {
      onFault(text, error);
      return otherwise === 'nothing' ? undefined : `${quoteRe2(beginningOf(text))}.*`;
    });
  }

  /** Whether any of them matches the whole name. */
  matches(name: string): boolean {
    return this.#compiled?.testExact(name) === true;
  }

  static #read(
    texts: readonly string[],
    replace: (text: string, error: GlobError) => string | undefined,
  ): Globs {
    let choices = 0;
    const parts = texts.map((text, index) => {
      try {
        if (index >= maxGlobs) throw new GlobError(`is one of more than ${maxGlobs}`);
        const glob = translateGlob(text);
        if (choices + glob.choices > maxGlobChoices)
          throw new GlobError(
            `is too much: all together have more than ${maxGlobChoices} wildcards and alternatives`,
          );
        choices += glob.choices;
        return glob.re2;
      } catch (error) {
        if (!(error instanceof GlobError)) throw error;
        return replace(text, error);
      }
    });
    return new Globs(parts.filter((part) => part !== undefined));
  }
}

/** The beginning of all names that the glob may have been meant for; the slash before `**` need not be there. */
function beginningOf(text: string): string {
  const beginning = text.slice(0, maxGlobLength).replace(/[^\w./-].*/s, '');
  return beginning.replace(/\/$/, '');
}
