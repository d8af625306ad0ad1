/** Durations as people write them in GitLab's API: `1h`, `7d`, `1month`, `1 day 12 hours`. */

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A month has 30 days, a year 365 and a quarter, as in GitLab. */
const units: readonly [RegExp, number][] = [
  [/^s(?:ecs?|econds?)?$/, secondMs],
  [/^m(?:ins?|inutes?)?$/, minuteMs],
  [/^h(?:rs?|ours?)?$/, hourMs],
  [/^d(?:ays?)?$/, dayMs],
  [/^w(?:ks?|eeks?)?$/, 7 * dayMs],
  [/^mo(?:n|s|nths?)?$/, 30 * dayMs],
  [/^y(?:rs?|ears?)?$/, 365.25 * dayMs],
];

const maxDurationLength = 64;
const partPattern = /(\d{1,9}) *([a-z]{1,7})/g;
const wholePattern = /^(?:\d{1,9} *[a-z]{1,7}[ ,]*){1,7}$/;

/** Milliseconds; undefined for what is no duration. */
export function parseDurationMs(text: string): number | undefined {
  const said = text.trim().toLowerCase();
  if (said.length > maxDurationLength || !wholePattern.test(said)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit = ''] of said.matchAll(partPattern)) {
    const unitMs = units.find(([pattern]) => pattern.test(unit))?.[1];
    if (unitMs === undefined) return undefined;
    totalMs += Number(amount) * unitMs;
  }
  return totalMs;
}
