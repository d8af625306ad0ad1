/** Certificates and keys as people give them, in PEM: https://www.rfc-editor.org/rfc/rfc7468 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

const blockPattern = /-----BEGIN ([^-\r\n]+)-----[^-]+-----END \1-----/g;

/** A text is not what it should be; the message follows its name: "has no certificate in PEM". */
export class PemError extends Error {
  override readonly name = 'PemError';
}

/** @throws PemError where there is none, one that cannot be read, or a private key, which would be shown to everyone */
export function parseCertificates(text: string): readonly [X509Certificate, ...X509Certificate[]] {
  const blocks = [...text.matchAll(blockPattern)];
  if (blocks.some(([, label = '']) => label.endsWith('PRIVATE KEY')))
    throw new PemError('must have no private key');
  const [first, ...rest] = blocks
    .filter(([, label = '']) => /^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label))
    .map(([pem]) => readCertificate(pem));
  if (first === undefined) throw new PemError('has no certificate in PEM (-----BEGIN CERTIFICATE-----)');
  return [first, ...rest];
}

/** @throws PemError unless it is the key of the certificate, and not encrypted */
export function demandKeyOf(certificate: X509Certificate, text: string): void {
  if (!certificate.checkPrivateKey(readKey(text))) throw new PemError('is the key of another certificate');
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new PemError('has a certificate that cannot be read', { cause });
  }
}

function readKey(text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    const isEncrypted = /ENCRYPTED/.test(text);
    const message = isEncrypted
      ? 'is encrypted: give it as `openssl pkey -in FILE` prints it; it is sealed here'
      : 'is no private key in PEM (-----BEGIN PRIVATE KEY-----)';
    throw new PemError(message, { cause });
  }
}
