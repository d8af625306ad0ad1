/** Names of keys that everybody who knows the key can work out. */
import { hash, type KeyObject } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const keyIdBytes = 30;

/**
 * libtrust's id, by which Docker's registry up to 2.8 looks up a token's `kid`: the first 240 bits of the SHA-256 of the
 * public key in DER, in base32, in groups of four.
 * https://github.com/distribution/distribution/blob/v2.8.3/docs/spec/auth/jwt.md
 */
export function keyIdOf(publicKey: KeyObject): string {
  const der = publicKey.export({ format: 'der', type: 'spki' });
  const digest = hash('sha256', der, 'buffer').subarray(0, keyIdBytes);
  const bits = Array.from(digest, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = bits.replace(/.{5}/g, (five) => alphabet.charAt(Number.parseInt(five, 2)));
  return letters.replace(/.{4}(?!$)/g, '$&:');
}
