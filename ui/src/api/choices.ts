/** What an address says is a choice only where it is one of them. */
export function chosen<const T>(text: string | null | undefined, choices: readonly T[], otherwise: T): T {
  return choices.find((each) => String(each) === text) ?? otherwise;
}
