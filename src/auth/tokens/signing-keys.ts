/**
 * The keys that sign registry tokens: made on first need, kept sealed among the records so that tokens survive a restart.
 * The oldest that is not retired signs, and whatever a retired one signed is good to its end. Retirement lies a little ahead,
 * so that every process, and whoever else trusts us, knows the next key before it signs.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type {
  SigningKeys as RecordedSigningKeys,
  SigningKeyRecord,
} from '../../metadata/tokens/signing-keys.ts';
import type { SecretBox } from '../credentials/secret-box.ts';
import { createCertificate } from './key-certificates.ts';
import { keyIdOf } from './key-ids.ts';

export const signingAlgorithm = 'ES256';
const curve = 'P-256';
/** How long what was read of the records is believed, and how often tokens with unknown key ids may make us read them. */
const believedMs = 1000;
/** Time from a rotation to the first signature, in which all processes notice, though their clocks differ. */
export const handoverMs = 5000;
/** Docker's registry takes tokens for so long after their end. */
const leewayMs = 60_000;

export interface SigningKey {
  /** libtrust's id; of keys from before it was used, the RFC 7638 thumbprint. */
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Self-signed, in PEM. */
  readonly certificate: string;
  readonly createdAt: number;
  /** When it stops signing; undefined: that is not known yet. */
  readonly retiredAt: number | undefined;
}

/** A key as its operator sees it. Times are epoch milliseconds. */
export interface SigningKeyState {
  readonly kid: string;
  readonly createdAt: number;
  /** Whether it is the one that signs. */
  readonly isCurrent: boolean;
  readonly retiredAt: number | undefined;
  /** When it is removed, and nothing that it signed is accepted any more. */
  readonly endsAt: number | undefined;
}

export interface SigningKeysOptions {
  readonly records: Pick<RecordedSigningKeys, 'list' | 'add' | 'remove' | 'setRetired' | 'ensureCertificate'>;
  readonly secretBox: SecretBox;
  /** How long tokens last now, and a retired key has to be kept. */
  readonly lifetimeMs: () => Promise<number>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class SigningKeys {
  readonly #options: SigningKeysOptions;
  /** Known once the records are. */
  #retainMs = Number.POSITIVE_INFINITY;
  /** The keys that are recorded, oldest first. */
  #keys: readonly SigningKey[] = [];
  #creating: Promise<SigningKey> | undefined;
  #loading: Promise<void> | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #searchedAt = Number.NEGATIVE_INFINITY;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
  }

  /** The key to sign with. */
  async current(): Promise<SigningKey> {
    await this.#refresh();
    const known = this.#current();
    if (known) return known;
    this.#creating ??= this.#createFirst().finally(() => {
      this.#creating = undefined;
    });
    return this.#creating;
  }

  /** The key a token names; undefined where it is not one of ours. */
  async find(kid: string): Promise<SigningKey | undefined> {
    await this.#refresh();
    const known = this.#verifying().find((key) => key.kid === kid);
    if (known || this.#options.now() - this.#searchedAt < believedMs) return known;
    this.#searchedAt = this.#options.now();
    await this.#load();
    return this.#verifying().find((key) => key.kid === kid);
  }

  /** Every key whose signature is accepted, or will be. */
  async list(): Promise<readonly SigningKey[]> {
    await this.#refresh();
    return this.#verifying();
  }

  async describe(): Promise<readonly SigningKeyState[]> {
    const keys = await this.list();
    const current = this.#current();
    return keys.map(({ kid, createdAt, retiredAt }) => ({
      kid,
      createdAt,
      isCurrent: kid === current?.kid,
      retiredAt,
      endsAt: retiredAt === undefined ? undefined : retiredAt + this.#retainMs,
    }));
  }

  /**
   * A new key, which signs as soon as all others are retired.
   * @param inMs milliseconds until then; not less than the handover
   */
  async rotate(inMs = handoverMs): Promise<SigningKey> {
    const { records, now } = this.#options;
    await this.#load();
    const before = this.#keys;
    const retiredAt = now() + Math.max(inMs, handoverMs);
    const kid = await this.#create();
    for (const key of before) await records.setRetired(key.kid, retiredAt);
    return this.#loadCreated(kid);
  }

  /** Adds a key. Processes that start at the same time may each add one; all sign with the oldest and accept any. */
  async #createFirst(): Promise<SigningKey> {
    const created = await this.#loadCreated(await this.#create());
    return this.#current() ?? created;
  }

  async #loadCreated(kid: string): Promise<SigningKey> {
    await this.#loading; // which may have begun too early
    await this.#load();
    const created = this.#keys.find((key) => key.kid === kid);
    if (!created) throw new Error('a signing key was recorded but cannot be found');
    return created;
  }

  #current(): SigningKey | undefined {
    const now = this.#options.now();
    return this.#keys.find(({ retiredAt = Number.POSITIVE_INFINITY }) => retiredAt > now);
  }

  #verifying(): readonly SigningKey[] {
    return this.#keys.filter((key) => !this.#isOver(key));
  }

  #isOver({ retiredAt = Number.POSITIVE_INFINITY }: Pick<SigningKey, 'retiredAt'>): boolean {
    return retiredAt + this.#retainMs <= this.#options.now();
  }

  async #refresh(): Promise<void> {
    if (this.#options.now() - this.#loadedAt >= believedMs) await this.#load();
  }

  /** Reads the records once for all who wait. */
  #load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #read(): Promise<void> {
    const { records, lifetimeMs, now } = this.#options;
    const readAt = now();
    this.#retainMs = (await lifetimeMs()) + leewayMs;
    const recorded = await records.list();
    const known = new Map(this.#keys.map((key) => [key.kid, key]));
    const current = recorded.filter((record) => !this.#isOver(record));
    this.#keys = await Promise.all(
      current.map(async (record) => ({
        ...(known.get(record.kid) ?? (await this.#open(record))),
        retiredAt: record.retiredAt,
      })),
    );
    this.#loadedAt = readAt;
    // A key that cannot be removed now is not used all the same, and is removed another time.
    await Promise.allSettled(
      recorded.filter((each) => this.#isOver(each)).map(({ kid }) => records.remove(kid)),
    );
  }

  async #open(record: SigningKeyRecord): Promise<SigningKey> {
    const { kid, privateKeySealed, createdAt, retiredAt } = record;
    const jwk = JSON.parse(this.#options.secretBox.open(privateKeySealed, contextOf(kid)));
    const privateKey = createPrivateKey({ format: 'jwk', key: jwk });
    const publicKey = createPublicKey(privateKey);
    const certificate =
      record.certificate ?? (await this.#certifyLater({ kid, privateKey, publicKey, createdAt }));
    return { kid, privateKey, publicKey, certificate, createdAt, retiredAt };
  }

  /** Makes the certificate of a key from before there were any: processes that do this at the same time agree on one. */
  async #certifyLater(key: Omit<SigningKey, 'certificate' | 'retiredAt'>): Promise<string> {
    const made = await certify(key);
    return (await this.#options.records.ensureCertificate(key.kid, made)) ?? made;
  }

  /** Makes a key. Its id. */
  async #create(): Promise<string> {
    const { records, secretBox, now } = this.#options;
    const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: curve });
    const kid = keyIdOf(publicKey);
    const createdAt = now();
    await records.add({
      kid,
      algorithm: signingAlgorithm,
      privateKeySealed: secretBox.seal(JSON.stringify(privateKey.export({ format: 'jwk' })), contextOf(kid)),
      certificate: await certify({ kid, privateKey, publicKey, createdAt }),
      createdAt,
      retiredAt: undefined,
    });
    return kid;
  }
}

function certify({
  kid,
  createdAt,
  ...pair
}: Omit<SigningKey, 'certificate' | 'retiredAt'>): Promise<string> {
  return createCertificate({ ...pair, name: `Entrepot token key ${kid.slice(0, 9)}`, from: createdAt });
}

function contextOf(kid: string): string {
  return `signing-key:${kid}`;
}
