import type { AcceptedFault } from '../accepted.ts';

export const acceptedInAuth: readonly AcceptedFault[] = [];
