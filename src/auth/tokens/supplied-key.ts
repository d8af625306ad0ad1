/** A key of the operator's own, with the certificate by which other registries know it: what is signed for them is signed with it. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { algorithmOf, parseCertificate, pemPattern } from './certificate-keys.ts';
import type { TokenSigner } from './sign-token.ts';

/** The key's own certificate, and those between it and an authority: each makes every token longer. */
const maxCertificates = 4;

/**
 * The certificates go into tokens (`x5c`), so that a registry needs no more than the one that it trusts in its `rootcertbundle`: that of the key,
 * or of the authority that it comes from. Of a key id it would have to know how it is worked out.
 * https://www.rfc-editor.org/rfc/rfc7515#section-4.1.6
 * @param key in PEM. @param bundle certificates in PEM, the key's own first
 * @throws RangeError where one of them is of no use, or they do not belong together
 */
export function parseSuppliedKey(key: string, bundle: string): TokenSigner {
  const certificates = (bundle.match(pemPattern) ?? []).map(parseCertificate);
  const [own] = certificates;
  if (!own || certificates.length > maxCertificates)
    throw new RangeError(
      `expected 1 to ${maxCertificates} certificates in PEM, found ${certificates.length}`,
    );
  const privateKey = parseKey(key);
  if (!own.checkPrivateKey(privateKey))
    throw new RangeError(`the certificate of ${own.subject} is not that of the key`);
  const x5c = certificates.map(({ raw }) => raw.toString('base64'));
  return { header: { alg: algorithmOf(own), x5c }, privateKey };
}

function parseKey(text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw new RangeError('the key cannot be read: expected a private key in PEM, without a password', {
      cause,
    });
  }
}
