/**
 * Whether the claims of a token are those that a trust asks for. Patterns are compared as globs: `*` is anything within a
 * segment, `**` anything at all, `?` one character other than a slash; all else is itself.
 */

import { LRUCache } from 'lru-cache';
import { maxGlobLength } from '../../rules/glob.ts';
import { compileRe2, quoteRe2, type Re2 } from '../../rules/re2.ts';

/** Claim → glob. A claim inside others is named by its path: `kubernetes.io.serviceaccount.name`. */
export type ClaimPatterns = Readonly<Record<string, string>>;

export type Claims = Readonly<Record<string, unknown>>;

/** The longest claim that is compared; nobody names projects or branches that long. */
const maxValueLength = 1024;
const maxCompiled = 1000;

/** Names of claims may have dots of their own, so that the longest name that there is counts. */
function findClaim(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot);
    const inner = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (isClaims(inner)) return findClaim(inner, path.slice(dot + 1));
  }
  return undefined;
}

function isClaims(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The texts that a claim may match by: of a list, any element will do. */
function textsOf(claim: unknown): string[] {
  return [claim].flat().flatMap((value) => {
    if (typeof value === 'string') return value.length <= maxValueLength ? [value] : [];
    return typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [];
  });
}

/** Globs that are compiled once for all tokens that they are compared with, to RE2, so that no claim and no pattern can take long. */
export class ClaimGlobs {
  readonly #compiled = new LRUCache<string, Re2>({ max: maxCompiled });

  satisfies(claims: Claims, patterns: ClaimPatterns): boolean {
    return Object.entries(patterns).every(([path, glob]) =>
      textsOf(findClaim(claims, path)).some((text) => this.matches(text, glob)),
    );
  }

  /** Whether the whole text matches. */
  matches(text: string, glob: string): boolean {
    if (glob.length > maxGlobLength) return false;
    const compiled = this.#compiled.get(glob) ?? compileRe2(`(?s)${translate(glob)}`);
    this.#compiled.set(glob, compiled);
    return compiled.testExact(text);
  }
}

function translate(glob: string): string {
  const steps = glob.match(/\*\*|./gsu) ?? [];
  return steps.map((step) => wildcards.get(step) ?? quoteRe2(step)).join('');
}

const wildcards: ReadonlyMap<string, string> = new Map([
  ['**', '.*'],
  ['*', '[^/]*'],
  ['?', '[^/]'],
]);

/** Whether everything up to the first slash is said without wildcards. */
export function hasFixedStart(glob: string): boolean {
  const [start = ''] = glob.split('/', 1);
  return start !== '' && !/[*?]/.test(start);
}
