/** Days as GitLab has them for what expires: `2026-03-04`, which begins and ends at midnight UTC. */
import { z } from 'zod';

const dateAndTime = z.iso.datetime({ offset: true, local: true });

/** Epoch milliseconds of an instant; a date and time in UTC with milliseconds on the wire. */
export const instantText = z.codec(z.iso.datetime(), z.number(), {
  decode: (text) => Date.parse(text),
  encode: (instant) => new Date(instant).toISOString(),
});

/** Epoch milliseconds of a day's begin, or of an instant in it; the day on the wire. */
export const dayText = z.codec(z.iso.date(), z.number(), {
  decode: (day) => Date.parse(day),
  encode: (instant) => new Date(instant).toISOString().slice(0, 'YYYY-MM-DD'.length),
});

/** A parameter that gives the begin of a day, of a date and time as well; an empty text is null. */
export const date = z.preprocess(
  (value) =>
    value === '' ? null : (dateAndTime.safeParse(value).data?.slice(0, 'YYYY-MM-DD'.length) ?? value),
  dayText.nullable(),
);

/** A parameter that gives a day's begin, or a date and time with `Z`, an offset, or neither, which is UTC; epoch milliseconds. */
export const instant = z
  .union([z.iso.date(), dateAndTime])
  .transform((text) => Date.parse(/T[^Z+-]*$/.test(text) ? `${text}Z` : text));
