/**
 * Passwords as Argon2id in PHC string form. A few run at a time: each takes memory and a thread that file reads need too.
 * https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
 */
import { type Argon2Parameters, argon2, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import { commonPasswords } from './common-passwords.ts';

export const minPasswordLength = 8;
export const maxPasswordLength = 128;

/**
 * Why a password cannot be set, in words that follow its name; undefined when it can. What makes it good is its length, so
 * beyond that it must only not be what is guessed first: https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver
 * @param username whose it shall be
 */
export function findPasswordFault(password: string, username?: string): string | undefined {
  if (password.length < minPasswordLength) return `is too short (minimum is ${minPasswordLength} characters)`;
  if (password.length > maxPasswordLength) return `is too long (maximum is ${maxPasswordLength} characters)`;
  const plain = password.toLowerCase();
  if (plain === username?.toLowerCase()) return 'must not be the username';
  if (commonPasswords.has(plain)) return 'must not be one of the most common passwords';
  return undefined;
}

const argon2id = promisify((parameters: Argon2Parameters, done: (error: Error | null, key: Buffer) => void) =>
  argon2('argon2id', parameters, done),
);
/** OWASP's recommendation: 19 MiB (in KiB), 2 passes, 1 lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };
const saltBytes = 16;
const keyBytes = 32;
const markLength = 22;
const concurrent = 2;
const phcPattern =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/**
 * Tells a password from the one that follows it, and nothing else: tokens carry it, so that they end with their password.
 * @param stored salted, so that it says nothing of the password to who does not have it
 */
export function markPassword(stored: string): string {
  return hash('sha256', `mark ${stored}`, 'base64url').slice(0, markLength);
}

export class Passwords {
  readonly #limit = pLimit(concurrent);
  /** Nobody's: it has no password. Compared with where there is no user, so that this takes as long. */
  readonly #nobody = format(Buffer.alloc(saltBytes), Buffer.alloc(keyBytes));

  hash(password: string): Promise<string> {
    return this.#limit(async () => {
      const nonce = randomBytes(saltBytes);
      return format(nonce, await argon2id({ message: password, nonce, tagLength: keyBytes, ...cost }));
    });
  }

  /**
   * Takes as long for a user who is unknown or has no password (undefined) as for a wrong password.
   * @throws Error where the stored text is not one of {@link hash}
   */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    const { key, ...parameters } = parse(stored ?? this.#nobody);
    const given = await this.#limit(() =>
      argon2id({ message: password, tagLength: key.length, ...parameters }),
    );
    return timingSafeEqual(given, key) && stored !== undefined;
  }
}

function format(nonce: Buffer, key: Buffer): string {
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(key)}`;
}

function parse(stored: string) {
  const [, memory, passes, parallelism, nonce, key] = phcPattern.exec(stored) ?? [];
  if (!nonce || !key) throw new Error('a stored password hash cannot be read');
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(nonce, 'base64'),
    key: Buffer.from(key, 'base64'),
  };
}

/** PHC strings have no padding. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
