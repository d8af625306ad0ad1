import type { AcceptedFault } from '../accepted.ts';

export const acceptedInHosted: readonly AcceptedFault[] = [];
