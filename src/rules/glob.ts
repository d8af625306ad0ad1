/**
 * Globs on names with segments: `*` is anything within a segment and `**` anything at all, `?` one character of a segment, `[a-z]` one of
 * these, `[!a-z]` one of a segment that is none of these, `{a,b}` either; `\` makes a character itself. Translated to RE2, so that
 * matching takes linear time whatever the glob.
 */
import { quoteRe2 } from './re2.ts';

/** The longest text of a glob. */
export const maxGlobLength = 255;

/** Says that a text is no glob; the message says why, for people. */
export class GlobError extends Error {
  override readonly name = 'GlobError';
}

export interface TranslatedGlob {
  readonly re2: string;
  /** How many wildcards and alternatives it has: a match may go on at each, so that many cost time with every character of a name. */
  readonly choices: number;
}

const token = /\\.|\/\*\*+\/|\/\*\*+$|^\*\*+\/|\*+|\[[!^]?\]?[^\]]*\]|./gsu;
/** One character is a range from itself to itself. */
const member = /(.)(?:-(.))?/gsu;

/** @throws GlobError */
export function translateGlob(text: string): TranslatedGlob {
  if (text.length > maxGlobLength) throw new GlobError(`has more than ${maxGlobLength} characters`);
  let choices = 0;
  let depth = 0;
  const choice = (re2: string) => {
    choices += 1;
    return re2;
  };
  const translate = (part: string): string => {
    switch (part) {
      case '*':
        return choice('[^/]*');
      case '?':
        return choice('[^/]');
      case '{':
        depth += 1;
        return '(?:';
      case '}':
        depth -= 1;
        if (depth < 0) throw new GlobError('closes a brace that was not opened');
        return ')';
      case ',':
        return depth > 0 ? choice('|') : ',';
      case '[':
        throw new GlobError('opens a bracket that is not closed');
      case '(':
      case ')':
      case '|':
        throw new GlobError(`has a '${part}', which means nothing here: alternatives are written {a,b}`);
      case '\\':
        throw new GlobError('ends in the middle of an escape');
    }
    if (part.startsWith('\\')) return quoteRe2(part.slice(1));
    if (part.startsWith('[')) return choice(classOf(part));
    if (!part.includes('**')) return quoteRe2(part);
    // A folder's `**` is the folder itself, too, and between slashes it may be nothing.
    if (!part.startsWith('/')) return choice(part.endsWith('/') ? '(?:.*/)?' : '.*');
    return choice(part.endsWith('/') ? '/(?:.*/)?' : '(?:/.*)?');
  };
  const re2 = (text.match(token) ?? []).map(translate).join('');
  if (depth > 0) throw new GlobError('opens a brace that is not closed');
  return { re2, choices };
}

/** A class in code points, so that nothing in it means anything to RE2. */
function classOf(part: string): string {
  const inner = part.slice(1, -1);
  const isNegated = /^[!^]/.test(inner);
  let members = isNegated ? '^/' : '';
  for (const [, from = '', to = from] of (isNegated ? inner.slice(1) : inner).matchAll(member)) {
    if (from > to) throw new GlobError(`has a range that runs backwards, ${from}-${to}`);
    members += `${codeOf(from)}-${codeOf(to)}`;
  }
  return `[${members}]`;
}

function codeOf(character: string): string {
  return `\\x{${character.codePointAt(0)?.toString(16)}}`;
}
