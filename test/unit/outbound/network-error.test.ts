import { errors } from 'undici';
import { expect, test } from 'vitest';
import { BlockedAddressError } from '../../../src/outbound/address-guard.ts';
import { isClosedBeforeAnswer, toOutboundError } from '../../../src/outbound/network-error.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';

function errorWith(code: string): Error {
  return Object.assign(new Error('https://user:secret@registry.example'), { code });
}

function told(cause: unknown, limits?: Record<string, string>) {
  const { kind, message, timedOut, unreachable, limit, busy } = toOutboundError(cause, limits);
  expect([kind, busy]).toEqual(['unavailable', false]);
  return { message, timedOut, unreachable, limit };
}

test.each([
  ['UND_ERR_CONNECT_TIMEOUT', 'could not be connected to in time', true, 'upstreams.connect_seconds'],
  ['UND_ERR_HEADERS_TIMEOUT', 'did not begin to answer in time', false, 'upstreams.first_byte_seconds'],
  ['UND_ERR_BODY_TIMEOUT', 'stopped sending in the middle of an answer', false, 'upstreams.idle_seconds'],
])('%s is a time-out of ours, and the setting is named where it is one', (code, text, unreachable, limit) => {
  const named = `${text} (${limit})`;
  expect(told(errorWith(code))).toEqual({ message: named, timedOut: true, unreachable, limit });
  expect(told(errorWith(code), {})).toEqual({ message: text, timedOut: true, unreachable, limit: undefined });
});

test.each(['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'EPIPE', 'EHOSTUNREACH', 'X'])(
  '%s is the cause',
  (code) => {
    const cause = errorWith(code);
    expect(toOutboundError(cause).cause).toBe(cause);
  },
);

test.each([
  ['ECONNREFUSED', 'refused the connection'],
  ['ENOTFOUND', 'has a host name that does not resolve'],
  ['EAI_AGAIN', 'has a host name that could not be resolved now'],
  ['EHOSTUNREACH', 'has no route to it'],
  ['ENETUNREACH', 'is in a network that cannot be reached'],
  ['ERR_TLS_HANDSHAKE_TIMEOUT', 'could not be spoken to over TLS (ERR_TLS_HANDSHAKE_TIMEOUT)'],
  ['ERR_SSL_NO_SHARED_CIPHER', 'could not be spoken to over TLS (ERR_SSL_NO_SHARED_CIPHER)'],
  ['EPROTO', 'could not be spoken to over TLS (EPROTO)'],
])('%s is no connection', (code, message) => {
  expect(told(errorWith(code))).toEqual({ message, timedOut: false, unreachable: true, limit: undefined });
});

test.each([
  ['UNABLE_TO_GET_ISSUER_CERT', 'outbound.ca_file'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'outbound.ca_file'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ca_certificate'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'ca_certificate'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'ca_certificate'],
  ['CERT_HAS_EXPIRED', 'must be renewed'],
  ['CERT_NOT_YET_VALID', 'not valid yet'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'for other host names'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'wants a client certificate'],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'refused our client certificate'],
  ['ERR_SSL_SSL/TLS_ALERT_UNSUPPORTED_CERTIFICATE', 'refused our client certificate'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'refused our client certificate'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', 'refused our client certificate'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'refused our client certificate'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'refused our client certificate'],
  ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', 'refused our client certificate'],
  ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'may want a client certificate'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'http://'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'http://'],
])('%s is no connection, and says what to do', (code, part) => {
  const { message, ...rest } = told(errorWith(code));
  expect(rest).toEqual({ timedOut: false, unreachable: true, limit: undefined });
  expect([message.includes(part), message.endsWith(` (${code})`)]).toEqual([true, true]);
});

test('ETIMEDOUT is a time-out, of the system and no setting of ours', () => {
  expect(told(errorWith('ETIMEDOUT'))).toEqual({
    message: 'could not be connected to in time',
    timedOut: true,
    unreachable: true,
    limit: undefined,
  });
});

test.each([
  ['UND_ERR_SOCKET', 'closed the connection'],
  ['ECONNRESET', 'closed the connection'],
  ['EPIPE', 'closed the connection'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'sent less or more than it announced'],
  ['EOTHER', 'could not be spoken to (EOTHER)'],
])('%s came of a connection that there was', (code, message) => {
  expect(told(errorWith(code))).toEqual({ message, timedOut: false, unreachable: false, limit: undefined });
});

test.each([[new Error('secret')], ['secret'], [undefined]])(
  'what has no code is told without it: %o',
  (cause) => {
    const error = toOutboundError(cause);
    expect([error.message, error.cause]).toEqual(['could not be spoken to', cause]);
  },
);

test('a blocked address is no connection, and is named with what to do', () => {
  const cause = new BlockedAddressError('10.0.0.5');
  const { message } = cause;
  expect(told(cause)).toEqual({ message, timedOut: false, unreachable: true, limit: undefined });
  expect(toOutboundError(cause).cause).toBe(cause);
});

test('what is told already stays as it is', () => {
  const error = new OutboundError('invalid', 'sent nonsense');
  expect(toOutboundError(error)).toBe(error);
});

test('of the rest only the cause has what may be secret', () => {
  for (const code of ['UND_ERR_CONNECT_TIMEOUT', 'ECONNREFUSED', 'ETIMEDOUT', 'EPROTO', 'EPIPE', 'EOTHER']) {
    const cause = errorWith(code);
    const error = toOutboundError(cause);
    expect([error.cause, error.message.includes('secret')]).toEqual([cause, false]);
  }
});

test('connections that were closed are told from other failures', () => {
  const codes = ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'UND_ERR_HEADERS_TIMEOUT'];
  expect(codes.filter((code) => isClosedBeforeAnswer(errorWith(code)))).toEqual(codes.slice(0, 3));
  expect(isClosedBeforeAnswer('ECONNRESET')).toBe(false);
  expect(isClosedBeforeAnswer(new errors.HTTPParserError('what is no answer'))).toBe(true);
});

test('an error says no more than it is told, and that it timed out where a limit is named', () => {
  const { status, retryAfterMs, timedOut, busy, unreachable } = new OutboundError('invalid', 'is odd');
  expect({ status, retryAfterMs, timedOut, busy, unreachable }).toEqual({
    status: undefined,
    retryAfterMs: undefined,
    timedOut: false,
    busy: false,
    unreachable: false,
  });
  const late = new OutboundError('unavailable', 'was slow', { limit: 'a.b', status: 503, retryAfterMs: 7 });
  expect(late).toMatchObject({ message: 'was slow (a.b)', timedOut: true, status: 503, retryAfterMs: 7 });
});
