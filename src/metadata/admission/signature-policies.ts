/** Which signatures images need before they are pulled: of a virtual registry, or of a project. */
import { createHash } from 'node:crypto';
import type { ExpressionBuilder, Generated, Kysely } from 'kysely';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** warn: what is not signed is pulled, and told. */
export const signatureModes = ['off', 'warn', 'enforce'] as const;
export type SignatureMode = (typeof signatureModes)[number];

/** Any one of these signers is enough. */
export interface SignatureTrust {
  readonly cosignKeys: readonly TrustedKey[];
  /** Who signs without a key of their own. */
  readonly identities: readonly TrustedIdentity[];
  /** Sigstore's trusted root as JSON: who certifies identities, and the logs that say when they signed. */
  readonly trustedRoot?: string | undefined;
}

export interface TrustedKey {
  readonly name: string;
  /** In PEM. */
  readonly publicKey: string;
}

export interface TrustedIdentity {
  /** As the certificate says it. */
  readonly issuer: string;
  /** A glob of the address or URI that the certificate says. */
  readonly subject: string;
}

/** unique registryId, unique projectId; one of the two */
export interface SignaturePolicyTable {
  id: Generated<number>;
  registryId: Optional<number>;
  projectId: Optional<number>;
  mode: SignatureMode;
  trust: SignatureTrust;
  /** Of the trust: whatever was verified by the same holds. */
  fingerprint: string;
  updatedAt: number;
}

export type SignaturePolicy = Pick<
  RecordOf<SignaturePolicyTable>,
  'mode' | 'trust' | 'fingerprint' | 'updatedAt'
>;
/** One that is on. */
export type PolicyInForce = Pick<
  RecordOf<SignaturePolicyTable>,
  'registryId' | 'projectId' | 'mode' | 'fingerprint'
>;

/** One of the two. */
export type PolicyOwner = Pick<PolicyInForce, 'registryId' | 'projectId'>;

export class SignaturePolicies {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Of all places, without what they trust. */
  listInForce(): Promise<readonly PolicyInForce[]> {
    return this.#db
      .selectFrom('signaturePolicies')
      .select(['registryId', 'projectId', 'mode', 'fingerprint'])
      .where('mode', '<>', 'off')
      .execute();
  }

  find(owner: PolicyOwner): Promise<SignaturePolicy | undefined> {
    return this.#db
      .selectFrom('signaturePolicies')
      .select(['mode', 'trust', 'fingerprint', 'updatedAt'])
      .where(ownedBy(owner))
      .executeTakeFirst();
  }

  /** Part of a transaction. @throws MissingOwner */
  async save(
    owner: PolicyOwner,
    { mode, trust }: Pick<SignaturePolicy, 'mode' | 'trust'>,
  ): Promise<SignaturePolicy> {
    await this.remove(owner);
    const policy = { mode, trust, fingerprint: fingerprintOf(trust), updatedAt: this.#now() };
    await this.#db
      .insertInto('signaturePolicies')
      .values({ ...policy, ...owner })
      .execute();
    return policy;
  }

  /** False where there was none. */
  async remove(owner: PolicyOwner): Promise<boolean> {
    const query = this.#db.deleteFrom('signaturePolicies').where(ownedBy(owner));
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}

export function fingerprintOf(trust: SignatureTrust): string {
  return createHash('sha256').update(JSON.stringify(trust)).digest('hex');
}

function ownedBy({ registryId, projectId }: PolicyOwner) {
  return ({ eb }: { readonly eb: ExpressionBuilder<Tables, 'signaturePolicies'> }) =>
    registryId === undefined ? eb('projectId', '=', projectId ?? 0) : eb('registryId', '=', registryId);
}
