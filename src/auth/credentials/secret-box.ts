/**
 * Seals texts that must be read back, such as upstream passwords and private keys, with the installation's secret key.
 * AES-256-GCM binds the context (say, `upstream:7`) to the text, so that a sealed text cannot be moved to another record.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const version = 'v1';

export class SecretBox {
  readonly #key: KeyObject;

  /** @throws RangeError unless the key has 32 bytes */
  constructor(key: Uint8Array) {
    if (key.byteLength !== keyBytes)
      throw new RangeError(`a secret key has ${keyBytes} bytes, not ${key.byteLength}`);
    this.#key = createSecretKey(key);
  }

  /** Seals the text, never the same one twice: each has a nonce of its own. */
  seal(text: string, context: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(context));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${version}.${sealed.toString('base64url')}`;
  }

  /** @throws Error where the text was sealed with another key or for another context, or was changed */
  open(sealed: string, context: string): string {
    const [form, body] = sealed.split('.', 2);
    if (form !== version || body === undefined) throw new Error('not a sealed text of a known version');
    const bytes = Buffer.from(body, 'base64url');
    if (bytes.length < nonceBytes + tagBytes) throw new Error('a sealed text was cut short');
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    try {
      return Buffer.concat([
        decipher.update(bytes.subarray(nonceBytes, -tagBytes)),
        decipher.final(),
      ]).toString('utf8');
    } catch (cause) {
      throw new Error('a sealed text does not open with this secret key: is it the key it was sealed with?', {
        cause,
      });
    }
  }
}
