/** What was wrong with TLS, and what to do about it. Texts follow the other server's name. */

const meanings: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [
    /^UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)|^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT)$/,
    'has a certificate of an authority that is not known here; if it is right, give that of the authority: of one upstream as ca_certificate, of all as outbound.ca_file',
  ],
  [
    /^CERT_HAS_EXPIRED$/,
    'has a certificate that has expired; it must be renewed there, or the clock is wrong here',
  ],
  [
    /^CERT_NOT_YET_VALID$/,
    'has a certificate that is not valid yet; it is wrong there, or the clock is here',
  ],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'has a certificate for other host names than that of the URL'],
  [
    /ALERT_CERTIFICATE_REQUIRED$/,
    'wants a client certificate; give the upstream client_certificate and client_key',
  ],
  [
    /ALERT_(?:(?:BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_(?:EXPIRED|REVOKED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED)$/,
    'refused our client certificate; give the upstream another client_certificate and client_key',
  ],
  [
    /ALERT_HANDSHAKE_FAILURE$/,
    'refused the TLS handshake; it may want a client certificate (client_certificate and client_key of the upstream) or another version of TLS',
  ],
  [
    /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/,
    'does not speak TLS there; its URL may have to begin with http://',
  ],
];

/** Undefined where the error is none of TLS. @param code of the error */
export function describeTlsFault(code: string): string | undefined {
  const meaning = meanings.find(([pattern]) => pattern.test(code))?.[1];
  if (meaning !== undefined) return `${meaning} (${code})`;
  return /CERT|ERR_TLS|ERR_SSL|EPROTO/.test(code) ? `could not be spoken to over TLS (${code})` : undefined;
}
