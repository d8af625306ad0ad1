import type { AcceptedFault } from '../accepted.ts';

export const acceptedInStorage: readonly AcceptedFault[] = [];
