/**
 * Whether the claims of a token are those that a trust asks for. Patterns are compared as globs: `*` is anything within a
 * segment, `**` anything at all, `?` one character other than a slash; all else is itself.
 */

/** Claim → glob. A claim inside others is named by its path: `kubernetes.io.serviceaccount.name`. */
export type ClaimPatterns = Readonly<Record<string, string>>;

export type Claims = Readonly<Record<string, unknown>>;

/** Of claims that tokens carry; nobody names projects or branches that long. */
const maxValueLength = 1024;

export function satisfies(claims: Claims, patterns: ClaimPatterns): boolean {
  return Object.entries(patterns).every(([path, glob]) =>
    textsOf(findClaim(claims, path)).some((text) => matchesGlob(text, glob)),
  );
}

/** The names of claims may have dots of their own, so the longest that there is counts. */
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

/** Of a list, any element may be the one. */
function textsOf(claim: unknown): string[] {
  return [claim].flat().flatMap((value) => {
    if (typeof value === 'string') return value.length <= maxValueLength ? [value] : [];
    return typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [];
  });
}

/** Steps of a glob, walked all at once: time is length × length, whatever the pattern. A RegExp could be made to run for ever. */
export function matchesGlob(text: string, glob: string): boolean {
  const steps = glob.match(/\*\*|./gsu) ?? [];
  let places = skipStars(new Set([0]), steps);
  for (const char of text) {
    const next = new Set<number>();
    for (const place of places) {
      const step = steps[place];
      if (step === '**' || (step === '*' && char !== '/')) next.add(place);
      else if (step === char || (step === '?' && char !== '/')) next.add(place + 1);
    }
    places = skipStars(next, steps);
  }
  return places.has(steps.length);
}

/** A star may also stand for nothing. */
function skipStars(places: Set<number>, steps: readonly string[]): Set<number> {
  for (const place of places) {
    if (steps[place] === '*' || steps[place] === '**') places.add(place + 1);
  }
  return places;
}

/** Is everything up to the first slash said without wildcards? */
export function hasFixedStart(glob: string): boolean {
  const [start = ''] = glob.split('/', 1);
  return start !== '' && !/[*?]/.test(start);
}
