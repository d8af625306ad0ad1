/**
 * Passwords as Argon2id in PHC string form. A few run at a time: each takes memory and a thread that file reads need too.
 * https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
 */
import { type Argon2Parameters, argon2, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import pLimit from 'p-limit';

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
 * A mark that tells a password from the one that follows it, and nothing else: tokens carry it, so that they end with their password.
 * @param stored salted, so that it says nothing of the password to who does not have it
 */
export function markPassword(stored: string): string {
  return hash('sha256', `mark ${stored}`, 'base64url').slice(0, markLength);
}

export class Passwords {
  readonly #limit = pLimit(concurrent);
  /** A hash that no password has: where there is no user it is compared with, so that this takes as long. */
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

/** The passwords that are guessed first and are long enough to be set, in lower case. */
const commonPasswords: ReadonlySet<string> = new Set(
  `
  00000000 000000000 0123456789 0987654321 11111111 111111111 1111111111 11223344 12121212 123123123 1234512345 12344321
  12345678 123456789 1234567890 12345678910 123456789a 123456789q 123456abc 12345qwert 1234qwer 123qweasd 147258369
  159357456 1a2b3c4d 1passwort 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qazxsw2 22222222 33333333 44444444 55555555 66666666 77777777
  87654321 88888888 987654321 9876543210 99999999 a1234567 a12345678 a123456789 aa123456 aaaaaaaa abc12345 abc123456
  abcd1234 abcdefgh access14 adminadmin admin123 admin1234 admin12345 administrator alexander asdf1234 asdfasdf asdfghjk
  asdfghjkl asdfghjkl; azertyuiop barcelona baseball basketball beautiful benjamin blink182 butterfly carolina changeit
  changeme changeme1 changeme123 charlie1 chocolate christian computer corvette danielle default1 defaultpassword dragon123
  docker123 dockerdocker einstein elephant entrepot entrepot123 estrella fernando firebird football football1 gitlab123
  gitlabgitlab hello123 helloworld iloveyou iloveyou1 iloveyou2 internet jennifer jordan23 letmein1 letmein123 liverpool
  liverpool1 lovelove maverick mercedes metallic michael1 michelle midnight monkey123 mustang1 nicholas nintendo
  p@ssw0rd p@ssword pa55word pa55w0rd pass1234 passpass passw0rd password password! password0 password01 password1
  password1! password12 password123 password1234 password2 passwort patricia pokemon1 princess princess1 q1w2e3r4
  q1w2e3r4t5 qazwsxedc qwaszx12 qwer1234 qwerasdf qwerqwer qwerty12 qwerty123 qwerty1234 qwerty12345 qwertyui qwertyuiop
  qwertzuiop registry registry123 rootroot root1234 samantha sample123 scorpion secret123 secretsecret september slipknot
  snowball spiderman starwars steelers sunshine sunshine1 superman superman1 superstar temppass test1234 test12345 testtest
  testtest1 tinkerbell trustno1 undertaker unknown1 user1234 veronica victoria welcome1 welcome01 welcome123 whatever
  william1 wolverine xxxxxxxx zaq12wsx zaq1zaq1 zxcvbnm1 zxcvbnm123 zxcvbnm,
  `
    .trim()
    .split(/\s+/),
);
