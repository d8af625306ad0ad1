import type { AcceptedFault } from '../accepted.ts';

export const acceptedInProxy: readonly AcceptedFault[] = [];
