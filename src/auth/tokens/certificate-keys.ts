/** The public keys in a bundle of certificates: nothing else is taken from it. */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { calculateJwkThumbprint, type JWSHeaderParameters } from 'jose';
import { keyIdOf } from './key-ids.ts';

const maxCertificates = 32;
const minRsaBits = 2048;
/** One certificate. */
export const pemPattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export type Algorithm = 'RS256' | 'ES256';

interface TrustedKey {
  readonly publicKey: KeyObject;
  readonly algorithm: Algorithm;
  /** The key's ids, libtrust's and RFC 7638's: which of the two a token names depends on who issued it. */
  readonly ids: readonly string[];
}

export class CertificateKeys {
  readonly #keys: readonly TrustedKey[];

  private constructor(keys: readonly TrustedKey[]) {
    this.#keys = keys;
  }

  /** @throws RangeError where there is no certificate, or one whose key is of no use */
  static async parse(bundle: string): Promise<CertificateKeys> {
    const texts = bundle.match(pemPattern) ?? [];
    if (texts.length === 0 || texts.length > maxCertificates) {
      throw new RangeError(`expected 1 to ${maxCertificates} certificates in PEM, found ${texts.length}`);
    }
    return new CertificateKeys(await Promise.all(texts.map(trust)));
  }

  /** The keys that may have signed a token: the one it names, else all of its kind. */
  readonly find = async ({ kid, alg }: JWSHeaderParameters): Promise<readonly KeyObject[]> => {
    const ofKind = this.#keys.filter(({ algorithm }) => algorithm === alg);
    const named = ofKind.filter(({ ids }) => ids.some((id) => id === kid));
    return (named.length > 0 ? named : ofKind).map(({ publicKey }) => publicKey);
  };
}

async function trust(pem: string): Promise<TrustedKey> {
  const certificate = parseCertificate(pem);
  const { publicKey } = certificate;
  return {
    publicKey,
    algorithm: algorithmOf(certificate),
    ids: [keyIdOf(publicKey), await calculateJwkThumbprint(publicKey)],
  };
}

/** @throws RangeError */
export function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new RangeError('a certificate in the bundle cannot be read', { cause });
  }
}

/** By which its key signs. @throws RangeError for a key of another kind */
export function algorithmOf({ publicKey, subject }: X509Certificate): Algorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = publicKey;
  if (type === 'rsa' && (details.modulusLength ?? 0) >= minRsaBits) return 'RS256';
  if (details.namedCurve === 'prime256v1') return 'ES256';
  throw new RangeError(
    `the key of the certificate of ${subject} is neither RSA with at least ${minRsaBits} bits nor EC P-256`,
  );
}
