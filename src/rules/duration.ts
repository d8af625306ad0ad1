/** Durations as people write them: `1h`, `7d`, and in GitLab's API `1month`, `1 day 12 hours`. */

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

const shortPattern = /^([0-9]{1,9}(?:\.[0-9]+)?)([smhd]?)$/;

/** Parses what operators write, one amount, of seconds where it has no unit: `90`, `15m`, `1.5h`. Milliseconds; undefined for all else. */
export function parseShortDurationMs(text: string): number | undefined {
  const [, amount, unit] = shortPattern.exec(text) ?? [];
  const unitMs = unitMsOf(unit || 's');
  return amount === undefined || unitMs === undefined ? undefined : Number(amount) * unitMs;
}

/** Parses what GitLab's API takes. Milliseconds; undefined for what is no duration. */
export function parseDurationMs(text: string): number | undefined {
  const said = text.trim().toLowerCase();
  if (said.length > maxDurationLength || !wholePattern.test(said)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit = ''] of said.matchAll(partPattern)) {
    const unitMs = unitMsOf(unit);
    if (unitMs === undefined) return undefined;
    totalMs += Number(amount) * unitMs;
  }
  return totalMs;
}

function unitMsOf(unit: string): number | undefined {
  return units.find(([pattern]) => pattern.test(unit))?.[1];
}
