/** What went wrong below HTTP, as an OutboundError. Texts name no address but a refused one, no URL and no secret. */

import { isSystemError } from '../oci/system-error.ts';
import { BlockedAddressError } from './address-guard.ts';
import { OutboundError } from './outbound-error.ts';
import { ProxyError } from './proxy-error.ts';
import { describeTlsFault } from './tls-fault.ts';
import { errors } from './undici.ts';

const timeOuts = {
  UND_ERR_CONNECT_TIMEOUT: { text: 'could not be connected to in time', unreachable: true },
  UND_ERR_HEADERS_TIMEOUT: { text: 'did not begin to answer in time', unreachable: false },
  UND_ERR_BODY_TIMEOUT: { text: 'stopped sending in the middle of an answer', unreachable: false },
} as const;
const settings: Readonly<Record<keyof typeof timeOuts, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'upstreams.connect_seconds',
  UND_ERR_HEADERS_TIMEOUT: 'upstreams.first_byte_seconds',
  UND_ERR_BODY_TIMEOUT: 'upstreams.idle_seconds',
};
const unreachables: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOTFOUND: 'has a host name that does not resolve',
  EAI_AGAIN: 'has a host name that could not be resolved now',
  EHOSTUNREACH: 'has no route to it',
  ENETUNREACH: 'is in a network that cannot be reached',
};
const resets = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** @param limits the settings whose time-outs they are, by undici's codes */
export function toOutboundError(
  cause: unknown,
  limits: Readonly<Record<string, string>> = settings,
): OutboundError {
  if (cause instanceof OutboundError) return cause;
  if (cause instanceof BlockedAddressError) return unavailable(cause.message, { unreachable: true, cause });
  if (cause instanceof ProxyError)
    return unavailable(cause.message, { timedOut: cause.timedOut, unreachable: true, cause });
  const code = codeOf(cause);
  const unreachable = unreachables[code];
  if (isTimeOut(code)) {
    const { text, unreachable } = timeOuts[code];
    return unavailable(text, { timedOut: true, limit: limits[code], unreachable, cause });
  }
  if (unreachable !== undefined) return unavailable(unreachable, { unreachable: true, cause });
  if (code === 'ETIMEDOUT')
    return unavailable('could not be connected to in time', { timedOut: true, unreachable: true, cause });
  const tlsFault = describeTlsFault(code);
  if (tlsFault !== undefined) return unavailable(tlsFault, { unreachable: true, cause });
  if (resets.has(code)) return unavailable('closed the connection', { cause });
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
    return unavailable('sent less or more than it announced', { cause });
  return unavailable(`could not be spoken to${code === '' ? '' : ` (${code})`}`, { cause });
}

/**
 * A kept-alive connection may be closed by the other side just as we send on it, and have on it what belongs to the answer before, as where
 * HEAD is answered with a body; asking again is right then, once.
 */
export function isClosedBeforeAnswer(error: unknown): boolean {
  return resets.has(codeOf(error)) || error instanceof errors.HTTPParserError;
}

function unavailable(
  message: string,
  options: ConstructorParameters<typeof OutboundError>[2],
): OutboundError {
  return new OutboundError('unavailable', message, options);
}

function isTimeOut(code: string): code is keyof typeof timeOuts {
  return code in timeOuts;
}

function codeOf(error: unknown): string {
  return isSystemError(error) ? error.code : '';
}
