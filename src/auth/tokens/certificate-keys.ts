/** The public keys in a bundle of certificates: nothing else is taken from it. */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { calculateJwkThumbprint, type JWSHeaderParameters } from 'jose';
import { keyIdOf } from './key-ids.ts';

const maxCertificates = 32;
const minRsaBits = 2048;
const pemPattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

type Algorithm = 'RS256' | 'ES256';

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
  const { publicKey, subject } = parseCertificate(pem);
  const algorithm = algorithmOf(publicKey);
  if (!algorithm) {
    throw new RangeError(
      `the key of the certificate of ${subject} is neither RSA with at least ${minRsaBits} bits nor EC P-256`,
    );
  }
  return { publicKey, algorithm, ids: [keyIdOf(publicKey), await calculateJwkThumbprint(publicKey)] };
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new RangeError('a certificate in the bundle cannot be read', { cause });
  }
}

function algorithmOf({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details = {},
}: KeyObject): Algorithm | undefined {
  if (type === 'rsa' && (details.modulusLength ?? 0) >= minRsaBits) return 'RS256';
  return details.namedCurve === 'prime256v1' ? 'ES256' : undefined;
}
