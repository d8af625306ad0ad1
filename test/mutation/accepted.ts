/** Faults that no test sees, each with the reason why none has to. */
export interface AcceptedFault {
  /** Below src/. */
  readonly file: string;
  /** The line as it is, without what stands around it. */
  readonly line: string;
  /** What takes its place: the replacement, or the kind of fault where all of that kind are meant. */
  readonly fault: string;
  readonly reason: string;
}

export const accepted: readonly AcceptedFault[] = [];
