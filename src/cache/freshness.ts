/** Whether what we believe may be used without asking. */
const hourMs = 3_600_000;

/** @param validityHours 0 means for ever */
export function isFresh(checkedAt: number, validityHours: number, now: number): boolean {
  return validityHours === 0 || now < checkedAt + validityHours * hourMs;
}
