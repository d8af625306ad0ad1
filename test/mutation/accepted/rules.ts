import type { AcceptedFault } from '../accepted.ts';

export const acceptedInRules: readonly AcceptedFault[] = [];
