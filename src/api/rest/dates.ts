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

/** @param instant epoch milliseconds */
export function formatDate(instant: number | undefined): string | null {
  return instant === undefined ? null : new Date(instant).toISOString().slice(0, 'YYYY-MM-DD'.length);
}

/** With milliseconds. @param instant epoch milliseconds */
export function formatInstant(instant: number | undefined): string | null {
  return instant === undefined ? null : new Date(instant).toISOString();
}
