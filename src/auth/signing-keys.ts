/**
 * The keys that sign registry tokens: made on first need, kept sealed among the records so that tokens survive a restart.
 * Where processes start at once, each may add a key; all sign with the oldest they know and accept any that is recorded.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKeyInput,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint } from 'jose';
import type { SigningKeys as RecordedSigningKeys } from '../metadata/signing-keys.ts';
import type { SecretBox } from './secret-box.ts';

export const signingAlgorithm = 'ES256';
const curve = 'P-256';
/** How often tokens with unknown key ids may make us read the records. */
const reloadMs = 1000;

export interface SigningKey {
  /** RFC 7638 thumbprint */
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

type Records = Pick<RecordedSigningKeys, 'list' | 'add'>;

export interface SigningKeysOptions {
  readonly records: Records;
  readonly secretBox: SecretBox;
  readonly now: () => number;
}

export class SigningKeys {
  readonly #records: Records;
  readonly #secretBox: SecretBox;
  readonly #now: () => number;
  /** As recorded: oldest first. */
  #keys: readonly SigningKey[] = [];
  #starting: Promise<SigningKey> | undefined;
  #reloadedAt = Number.NEGATIVE_INFINITY;

  constructor({ records, secretBox, now }: SigningKeysOptions) {
    this.#records = records;
    this.#secretBox = secretBox;
    this.#now = now;
  }

  /** The key to sign with. */
  async current(): Promise<SigningKey> {
    const [known] = this.#keys;
    if (known) return known;
    this.#starting ??= this.#loadOrCreate().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** The key a token names; undefined where it is not one of ours. */
  async find(kid: string): Promise<SigningKey | undefined> {
    const known = this.#keys.find((key) => key.kid === kid);
    if (known || this.#now() - this.#reloadedAt < reloadMs) return known;
    this.#reloadedAt = this.#now();
    await this.#load();
    return this.#keys.find((key) => key.kid === kid);
  }

  async #loadOrCreate(): Promise<SigningKey> {
    await this.#load();
    if (this.#keys.length === 0) {
      await this.#create();
      await this.#load();
    }
    const [oldest] = this.#keys;
    if (!oldest) throw new Error('a signing key was recorded but cannot be found');
    return oldest;
  }

  async #create(): Promise<void> {
    const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: curve });
    const kid = await calculateJwkThumbprint(privateKey);
    const jwk = JSON.stringify(privateKey.export({ format: 'jwk' }));
    await this.#records.add({
      kid,
      algorithm: signingAlgorithm,
      privateKeySealed: this.#secretBox.seal(jwk, contextOf(kid)),
      createdAt: this.#now(),
    });
  }

  async #load(): Promise<void> {
    const records = await this.#records.list();
    this.#keys = records.map(({ kid, privateKeySealed }) => {
      const key: JsonWebKeyInput['key'] = JSON.parse(this.#secretBox.open(privateKeySealed, contextOf(kid)));
      const privateKey = createPrivateKey({ format: 'jwk', key });
      return { kid, privateKey, publicKey: createPublicKey(privateKey) };
    });
  }
}

function contextOf(kid: string): string {
  return `signing-key:${kid}`;
}
