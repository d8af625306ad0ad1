/**
 * Regular expressions that people give us for tags: RE2, whose time is linear in the tag, whatever the expression. As in GitLab, those that
 * delete must match the whole name, those that protect any part of it.
 */
import { compileRe2, type Re2, Re2Error } from './re2.ts';

/** The longest text of an expression. */
export const maxPatternLength = 1024;
/** The longest program: a repeat count makes a long one of a short text, and each step costs up to as much as the program is long. */
const maxProgramSize = 2000;

const token =
  /\\Q(?:(?!\\E).)*(?:\\E)?|\\[pPx]\{[^}]*\}|\\[pP]?.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|./gsu;

/** What GitLab says of a parameter, after its name. */
export const invalidPattern = 'is an invalid regexp';

export class TagPatternError extends Error {
  override readonly name = 'TagPatternError';
}

export class TagPattern {
  readonly text: string;
  readonly #compiled: Re2;

  private constructor(text: string, compiled: Re2) {
    this.text = text;
    this.#compiled = compiled;
  }

  /** @throws TagPatternError whose message says what is wrong, for people: what is no RE2, too long, or too costly */
  static parse(text: string): TagPattern {
    if (text.length > maxPatternLength)
      throw new TagPatternError(`longer than ${maxPatternLength} characters`);
    // It is refused before it is compiled, which takes a second where each of a thousand characters stands for a thousand.
    if (countSteps(text) > maxProgramSize) throw new TagPatternError('repeats too much');
    const compiled = compile(text);
    if (compiled.programSize() > maxProgramSize) throw new TagPatternError('repeats too much');
    return new TagPattern(text, compiled);
  }

  /** Whether it matches the whole name. */
  matches(tag: string): boolean {
    return this.#compiled.testExact(tag);
  }

  /** Whether it matches any part of the name, as rules that protect tags do. */
  isFoundIn(tag: string): boolean {
    return this.#compiled.test(tag);
  }
}

/** Whether the text is such an expression, for whoever does not ask why not. */
export function isTagPattern(text: string): boolean {
  try {
    TagPattern.parse(text);
    return true;
  } catch (error) {
    if (error instanceof TagPatternError) return false;
    throw error;
  }
}

function compile(text: string): Re2 {
  try {
    return compileRe2(text);
  } catch (cause) {
    if (cause instanceof Re2Error) throw new TagPatternError(cause.message, { cause });
    throw cause;
  }
}

/**
 * How long an expression is once its counted repeats are written out, told from its text alone: what is long takes long to compile. Each
 * character, class and group is a step at least, so what RE2 makes of it has about as many or more.
 */
export function countSteps(text: string): number {
  const groups: number[] = [];
  let before = 0;
  let last = 0;
  for (const [part, least, most] of text.matchAll(token)) {
    if (least !== undefined) {
      last *= Math.max(1, Number(least), Number(most ?? 0));
    } else if (part === '(') {
      groups.push(before + last);
      before = 0;
      last = 0;
    } else if (part === ')') {
      last += before + 1;
      before = groups.pop() ?? 0;
    } else {
      before += last;
      last = part.startsWith('\\Q') ? part.length : 1;
    }
  }
  return groups.reduce((sum, steps) => sum + steps, before + last);
}
