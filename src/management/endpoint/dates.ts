/** Days as GitLab has them for what expires: `2026-03-04`, which begins and ends at midnight UTC. */
import { z } from 'zod';

const dateAndTime = z.iso.datetime({ offset: true, local: true });

/** The day's begin in epoch milliseconds, of a date and time as well; an empty text is null. */
export const date = z.preprocess(
  (value) =>
    value === '' ? null : (dateAndTime.safeParse(value).data?.slice(0, 'YYYY-MM-DD'.length) ?? value),
  z.iso
    .date()
    .transform((day) => Date.parse(day))
    .nullable(),
);

/** A day's begin, or a date and time with `Z`, an offset, or neither, which is UTC; epoch milliseconds. */
export const instant = z
  .union([z.iso.date(), dateAndTime])
  .transform((text) => Date.parse(/T[^Z+-]*$/.test(text) ? `${text}Z` : text));

/** In answers, with milliseconds. */
export const instantText = z.codec(z.iso.datetime(), z.number(), {
  decode: (text) => Date.parse(text),
  encode: (instant) => formatInstant(instant),
});

/** In answers, the day of an instant. */
export const dayText = z.codec(z.iso.date(), z.number(), {
  decode: (day) => Date.parse(day),
  encode: (instant) => formatDate(instant),
});

/** @param instant epoch milliseconds */
export function formatDate(instant: number): string;
export function formatDate(instant: number | undefined): string | null;
export function formatDate(instant: number | undefined): string | null {
  return instant === undefined ? null : new Date(instant).toISOString().slice(0, 'YYYY-MM-DD'.length);
}

/** With milliseconds. @param instant epoch milliseconds */
export function formatInstant(instant: number): string;
export function formatInstant(instant: number | undefined): string | null;
export function formatInstant(instant: number | undefined): string | null {
  return instant === undefined ? null : new Date(instant).toISOString();
}
