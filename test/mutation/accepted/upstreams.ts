import type { AcceptedFault } from '../accepted.ts';

export const acceptedInUpstreams: readonly AcceptedFault[] = [];
