/** What PostgreSQL, or the way to it, cannot do at the moment, told apart from our own mistakes. */
import { UnavailableError } from '../../oci/unavailable.ts';

/** SQLSTATEs with which the server ends the connection, of its own accord or another's. */
const ended = /^(?:08|25P0[34]|57(?!014))/;

/** By SQLSTATE, the first that matches. https://www.postgresql.org/docs/17/errcodes-appendix.html */
const states: readonly (readonly [RegExp, string])[] = [
  [/^25006$/, 'the database is read-only'],
  [/^40/, 'the database gave this up in favour of others that it collided with'],
  [/^53100$/, 'the disk of the database is full'],
  [/^53300$/, 'the database takes no more connections'],
  [/^53/, 'the database is out of resources'],
  [/^(?:57014|55P03)$/, 'the database took too long'],
  [ended, 'the connection to the database broke'],
  [/^(?:28|3D|42501)/, 'the database refuses the server'],
  [/^(?:58|XX00[12])/, 'the storage of the database fails'],
];

/** What pg's pool says when no connection becomes free in time. */
const poolTimeout = 'timeout exceeded when trying to connect';

/** Undefined for what the database rightly refuses. */
export function postgresUnavailability(error: unknown): UnavailableError | undefined {
  if (!(error instanceof Error)) return undefined;
  const sentence = isAnswer(error)
    ? states.find(([state]) => state.test(error.code))?.[1]
    : unanswered(error);
  return sentence === undefined ? undefined : new UnavailableError(sentence, { cause: error });
}

/** Is this the last that is heard on its connection? The end itself comes a moment later. */
export function endsConnection(error: unknown): boolean {
  return error instanceof Error && isAnswer(error) && ended.test(error.code);
}

function isAnswer(error: Error): error is Error & { readonly code: string } {
  return 'severity' in error && 'code' in error && typeof error.code === 'string';
}

/** Whatever pg and the system say of a connection, much of it without a code; a mistake of ours has a class of its own. */
function unanswered(error: Error): string | undefined {
  if (error.message === poolTimeout) return 'all connections to the database are in use';
  if (error.constructor === Error || error instanceof AggregateError) return 'the database cannot be reached';
  return undefined;
}
