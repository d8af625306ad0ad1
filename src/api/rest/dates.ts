/** Days as GitLab has them for what expires: `2026-03-04`, which begins and ends at midnight UTC. */
import { z } from 'zod';

/** The day's begin in epoch milliseconds; an empty text is null. */
export const date = z.preprocess(
  (value) => (value === '' ? null : value),
  z.iso
    .date()
    .transform((day) => Date.parse(day))
    .nullable(),
);

/** A day's begin, or a date and time with `Z` or an offset; epoch milliseconds. */
export const instant = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })])
  .transform((text) => Date.parse(text));

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
