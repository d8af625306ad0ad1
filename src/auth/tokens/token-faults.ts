/** Why a registry token is not believed: for the log by its cause, for its bearer by what helps. */
import { decodeProtectedHeader, errors } from 'jose';
import { showText } from '../credentials/login-log.ts';

export interface TokenFault {
  /** The claim or key with which something is wrong, for the log. */
  readonly cause: string;
  /** A sentence for whoever holds it, who can read it anyway. */
  readonly remedy: string;
}

const foreign =
  'the registry token is not one of this registry, or its key is not used any more: fetch a new one';

export function tokenFault(cause: string): TokenFault {
  return { cause, remedy: foreign };
}

/** @param error that the token's verification ended with */
export function tokenFaultOf(token: string, error: unknown): TokenFault {
  if (error instanceof errors.JWTExpired) {
    const cause = `expired: exp is ${timeOf(error.payload.exp)}`;
    return { cause, remedy: 'the registry token has expired: fetch a new one' };
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, payload } = error;
    if (claim === 'nbf') {
      const remedy = 'the registry token is not valid yet: fetch a new one, and see that the clocks agree';
      return { cause: `not yet valid: nbf is ${timeOf(payload.nbf)}`, remedy };
    }
    const named = { iss: 'issuer', aud: 'audience' }[claim] ?? 'claim';
    return tokenFault(`${named}: ${claim} is ${showText(JSON.stringify(payload[claim]) ?? 'missing')}`);
  }
  const kid = showText(JSON.stringify(kidOf(token)) ?? 'missing');
  if (error instanceof errors.JWKSNoMatchingKey)
    return tokenFault(`key: no key is known with the kid ${kid}`);
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return tokenFault(`key: the signature is not of the key with the kid ${kid}`);
  }
  return tokenFault(error instanceof Error ? showText(error.message) : 'it cannot be read');
}

function kidOf(token: string): unknown {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}

function timeOf(seconds: unknown): string {
  const date = new Date(typeof seconds === 'number' ? seconds * 1000 : Number.NaN);
  return Number.isNaN(date.getTime()) ? 'no time' : date.toISOString();
}
