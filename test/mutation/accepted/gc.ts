import type { AcceptedFault } from '../accepted.ts';

export const acceptedInGc: readonly AcceptedFault[] = [];
