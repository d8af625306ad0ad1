/** Which signatures images need before they are pulled, through a virtual registry or from a project. */
import { createPublicKey } from 'node:crypto';
import { readTrust } from '../../admission/sigstore.ts';
import type {
  PolicyOwner,
  SignaturePolicy,
  SignatureTrust,
} from '../../metadata/admission/signature-policies.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Actor } from '../acting/actor.ts';
import { type Change, recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import type { Need } from '../acting/needs.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';

/** A virtual registry by its number, a project by its number or full path. */
export type PolicyPlace =
  | { readonly kind: 'registry'; readonly id: number }
  | { readonly kind: 'project'; readonly reference: string };

export type SignaturePolicyInput = Pick<SignaturePolicy, 'mode' | 'trust'>;

export interface SignaturePolicyServiceOptions {
  readonly database: Database;
  /** After a change, so that the next pull goes by it. */
  readonly forgetPolicies: () => void;
}

export class SignaturePolicyService {
  readonly #options: SignaturePolicyServiceOptions;
  readonly #rights = new Rights();

  constructor(options: SignaturePolicyServiceOptions) {
    this.#options = options;
  }

  /** @throws RefusedError unauthorized, not-found, forbidden */
  async get(actor: Actor, place: PolicyPlace): Promise<SignaturePolicy> {
    const { database } = this.#options;
    const { owner } = await this.#getOwner(database, actor, place, 'write');
    const policy = await database.signaturePolicies.find(owner);
    if (!policy) throw new RefusedError('not-found');
    return policy;
  }

  /** Takes the place of the one before. @throws RefusedError unauthorized, not-found, forbidden, invalid */
  async save(actor: Actor, place: PolicyPlace, input: SignaturePolicyInput): Promise<SignaturePolicy> {
    await demandTrust(input);
    const saved = await runChange(this.#options.database, async (tx) => {
      const { owner, told } = await this.#getOwner(tx, actor, place, 'write');
      const policy = await tx.signaturePolicies.save(owner, input);
      const { mode, trust, fingerprint } = policy;
      const { cosignKeys, identities } = trust;
      await recordChange(tx, actor, {
        ...told,
        action: 'signature_policy.update',
        details: { ...owner, mode, keys: cosignKeys.map(({ name }) => name), identities, fingerprint },
      });
      return policy;
    });
    this.#options.forgetPolicies();
    return saved;
  }

  /** @throws RefusedError unauthorized, not-found, forbidden */
  async remove(actor: Actor, place: PolicyPlace): Promise<void> {
    await runChange(this.#options.database, async (tx) => {
      const { owner, told } = await this.#getOwner(tx, actor, place, 'write');
      if (!(await tx.signaturePolicies.remove(owner))) throw new RefusedError('not-found');
      const details = { ...owner };
      await recordChange(tx, actor, {
        ...told,
        action: 'signature_policy.delete',
        details,
      });
    });
    this.#options.forgetPolicies();
  }

  async #getOwner(
    records: Records,
    actor: Actor,
    place: PolicyPlace,
    need: Need,
  ): Promise<{
    readonly owner: PolicyOwner;
    readonly told: Pick<Change, 'targetId' | 'groupPath' | 'projectPath'>;
  }> {
    if (place.kind === 'registry') {
      const { id, groupPath } = await this.#rights.getRegistry(records, actor, place.id, need);
      return { owner: { registryId: id, projectId: undefined }, told: { targetId: id, groupPath } };
    }
    const { id, fullPath } = await this.#rights.getProject(records, actor, place.reference, need);
    return { owner: { registryId: undefined, projectId: id }, told: { targetId: id, projectPath: fullPath } };
  }
}

/** @throws RefusedError invalid */
async function demandTrust({ mode, trust }: SignaturePolicyInput): Promise<void> {
  const { cosignKeys, identities, trustedRoot } = trust;
  for (const { name, publicKey } of cosignKeys)
    if (!isPublicKey(publicKey))
      throw new RefusedError('invalid', {
        cosign_keys: [`'${name}' is no public key in PEM, as cosign.pub has it`],
      });
  if (identities.length > 0 && trustedRoot === undefined)
    throw new RefusedError('invalid', {
      trusted_root: ['is needed for identities: `cosign trusted-root create` writes one'],
    });
  if (mode !== 'off' && cosignKeys.length + identities.length === 0)
    throw new RefusedError('invalid', { mode: ['needs a key or an identity to trust'] });
  await demandRoot(trust);
}

/** @throws RefusedError invalid */
async function demandRoot(trust: SignatureTrust): Promise<void> {
  try {
    await readTrust(trust);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'cannot be read';
    throw new RefusedError(
      'invalid',
      { trusted_root: [`is no trusted root of Sigstore: ${reason}`] },
      { cause },
    );
  }
}

function isPublicKey(pem: string): boolean {
  try {
    // A private key would be read, too, and be shown to everyone who reads the policy.
    return /^-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(pem.trim()) && createPublicKey(pem).type === 'public';
  } catch {
    return false;
  }
}
