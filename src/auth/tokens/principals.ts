/** Looks again at whom registry tokens were made for: what is believed of them is a second old at most. */

import type { User, Users } from '../../metadata/people/users.ts';
import type { AccessTokens } from '../../metadata/tokens/access-tokens.ts';
import type { DeployTokens } from '../../metadata/tokens/deploy-tokens.ts';
import type { JobTokens } from '../../metadata/tokens/job-tokens.ts';
import type { OidcTrusts } from '../../metadata/tokens/oidc-trusts.ts';
import { identifyUser } from '../credentials/identify-user.ts';
import { type Refusal, refuse } from '../credentials/refusal.ts';
import { isAccessLevel } from '../rights/access-levels.ts';
import { type Belief, Beliefs, type BeliefsOptions } from '../rights/beliefs.ts';
import {
  type JobIdentity,
  type Principal,
  type PrincipalRef,
  type UserIdentity,
  unknownIdentity,
} from '../rights/identity.ts';
import { identifyDeployToken, identifyJob, identifyTokenOwner } from './token-bearers.ts';

export interface PrincipalsOptions extends BeliefsOptions {
  readonly users: Pick<Users, 'find'>;
  readonly accessTokens: Pick<AccessTokens, 'find'>;
  readonly deployTokens: Pick<DeployTokens, 'find'>;
  readonly jobTokens: Pick<JobTokens, 'find'>;
  readonly oidcTrusts: Pick<OidcTrusts, 'find'>;
}

type TrustRef = Extract<PrincipalRef, { kind: 'trust' }>;

export class Principals {
  readonly #options: PrincipalsOptions;
  readonly #found: Beliefs<Principal | Refusal>;

  constructor(options: PrincipalsOptions) {
    this.#options = options;
    this.#found = new Beliefs(options);
  }

  /** Undefined where they are gone, blocked, expired or revoked; of other token servers we know nobody. */
  async find(ref: PrincipalRef): Promise<Principal | undefined> {
    return (await this.believe(ref)).value;
  }

  /** As {@link find}, and says why not. */
  async judge(ref: PrincipalRef): Promise<Principal | Refusal> {
    return (await this.#find(ref)).value;
  }

  /** As {@link find}, and says how long the answer holds. */
  async believe(ref: PrincipalRef): Promise<Belief<Principal | undefined>> {
    const { value, until } = await this.#find(ref);
    return { value: value.kind === 'refused' ? undefined : value, until };
  }

  async #find(ref: PrincipalRef): Promise<Belief<Principal | Refusal>> {
    const found = await this.#found.find(JSON.stringify(ref), () => this.#look(ref));
    return found ?? { value: refuse('unknown'), until: 0 };
  }

  async #look(ref: PrincipalRef): Promise<Principal | Refusal> {
    const { users, accessTokens, deployTokens, jobTokens, now } = this.#options;
    switch (ref.kind) {
      case 'user':
        return ref.tokenId === undefined
          ? identifyByPassword(await users.find(ref.userId), ref.passwordMark)
          : identifyTokenOwner(await accessTokens.find(ref.tokenId), users, now());
      case 'deploy-token':
        return identifyDeployToken(await deployTokens.find(ref.tokenId), now());
      case 'job':
        return identifyJob(await jobTokens.find(ref.jobTokenId), users, now());
      case 'trust':
        return this.#findTrusted(ref);
      case 'external':
        return refuse('unknown');
      default:
        return unknownIdentity(ref);
    }
  }

  /** A job that came by its ID token, until that token's end, and as long as the trust is there and says the same. */
  async #findTrusted(ref: TrustRef): Promise<JobIdentity | Refusal> {
    const { trustId, name, projectId, expiresAt } = ref;
    if (expiresAt <= this.#options.now()) return refuse('expired');
    const trust = await this.#options.oidcTrusts.find(trustId);
    if (trust?.projectId !== projectId) return refuse('revoked');
    const accessLevel = Math.min(ref.accessLevel, trust.accessLevel);
    if (!isAccessLevel(accessLevel)) return refuse('unknown');
    return {
      kind: 'job',
      jobTokenId: undefined,
      trustId,
      name,
      userId: undefined,
      isAdmin: false,
      project: { id: projectId, fullPath: trust.projectPath },
      accessLevel,
      expiresAt,
    };
  }
}

/** The user, unless the password was changed since: what the old one opened is closed. */
function identifyByPassword(user: User | undefined, mark: string | undefined): UserIdentity | Refusal {
  const identity = identifyUser(user);
  return identity.kind === 'user' && identity.passwordMark !== mark ? refuse('revoked') : identity;
}
