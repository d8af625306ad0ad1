import { expect, test } from 'vitest';
import { describeTlsFault } from '../../../src/outbound/tls-fault.ts';

test.each([
  ['UNABLE_TO_GET_ISSUER_CERT', 'an authority that is not known here'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'an authority that is not known here'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'an authority that is not known here'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'an authority that is not known here'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'an authority that is not known here'],
  ['CERT_HAS_EXPIRED', 'has expired'],
  ['CERT_NOT_YET_VALID', 'not valid yet'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'other host names'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'wants a client certificate'],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'refused our client certificate'],
  ['ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', 'refused our client certificate'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'refused our client certificate'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', 'refused our client certificate'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'refused our client certificate'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'refused our client certificate'],
  ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', 'refused our client certificate'],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'refused the TLS handshake'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'does not speak TLS'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'does not speak TLS'],
  ['CERT_REVOKED', 'could not be spoken to over TLS'],
  ['ERR_TLS_HANDSHAKE_TIMEOUT', 'could not be spoken to over TLS'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'could not be spoken to over TLS'],
  ['EPROTO', 'could not be spoken to over TLS'],
])('%s means that the other side %s', (code, meaning) => {
  expect(describeTlsFault(code)).toContain(meaning);
  expect(describeTlsFault(code)).toContain(`(${code})`);
});

test.each(['ECONNREFUSED', 'ENOTFOUND', ''])('%j is no fault of TLS', (code) => {
  expect(describeTlsFault(code)).toBeUndefined();
});
