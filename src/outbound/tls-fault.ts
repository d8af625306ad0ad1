/** What was wrong with TLS, and what to do about it. Texts follow the other server's name. */

/** By how an error's code ends: OpenSSL puts the version of TLS in front of what it was told. */
const meanings: readonly (readonly [endings: readonly string[], meaning: string])[] = [
  [
    [
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
    'has a certificate of an authority that is not known here; if it is right, give that of the authority: of one upstream as ca_certificate, of all as outbound.ca_file',
  ],
  [
    ['CERT_HAS_EXPIRED'],
    'has a certificate that has expired; it must be renewed there, or the clock is wrong here',
  ],
  [
    ['CERT_NOT_YET_VALID'],
    'has a certificate that is not valid yet; it is wrong there, or the clock is here',
  ],
  [['ERR_TLS_CERT_ALTNAME_INVALID'], 'has a certificate for other host names than that of the URL'],
  [
    ['ALERT_CERTIFICATE_REQUIRED'],
    'wants a client certificate; give the upstream client_certificate and client_key',
  ],
  [
    [
      'ALERT_BAD_CERTIFICATE',
      'ALERT_UNSUPPORTED_CERTIFICATE',
      'ALERT_CERTIFICATE_EXPIRED',
      'ALERT_CERTIFICATE_REVOKED',
      'ALERT_CERTIFICATE_UNKNOWN',
      'ALERT_UNKNOWN_CA',
      'ALERT_ACCESS_DENIED',
    ],
    'refused our client certificate; give the upstream another client_certificate and client_key',
  ],
  [
    ['ALERT_HANDSHAKE_FAILURE'],
    'refused the TLS handshake; it may want a client certificate (client_certificate and client_key of the upstream) or another version of TLS',
  ],
  [
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'],
    'does not speak TLS there; its URL may have to begin with http://',
  ],
];

/** Undefined where the error is none of TLS. @param code of the error */
export function describeTlsFault(code: string): string | undefined {
  const meaning = meanings.find(([endings]) => endings.some((ending) => code.endsWith(ending)))?.[1];
  if (meaning !== undefined) return `${meaning} (${code})`;
  return /CERT|ERR_TLS|ERR_SSL|EPROTO/.test(code) ? `could not be spoken to over TLS (${code})` : undefined;
}
