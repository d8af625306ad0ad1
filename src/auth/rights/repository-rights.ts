/** Whether someone may pull from a repository, push to it, or delete from it. What the records say of it is believed for a second. */
import type { ProtectionRules } from '../../metadata/hosted/protection-rules.ts';
import type { ProtectionRule } from '../../rules/protection-rule.ts';
import { requiredRepositoryLevel } from '../../rules/repository-protection.ts';
import type { Principals } from '../tokens/principals.ts';
import {
  type Action,
  actions,
  mayPullGroup,
  mayPullVirtual,
  mayUseProject,
  type RuledProject,
} from './access.ts';
import { type Belief, Beliefs } from './beliefs.ts';
import {
  type AnonymousIdentity,
  anonymous,
  type CarriedGrant,
  type Identity,
  type Principal,
  type RegistryTokenIdentity,
} from './identity.ts';
import { protectionLevelOf } from './project-roles.ts';
import { type Standing, Standings, type StandingsOptions } from './standings.ts';

/** protected: a protection rule, and nothing else, keeps them from it. */
export type Verdict = 'allowed' | 'refused' | 'protected';

export interface RepositoryRights {
  /**
   * False too where there is no such repository: whoever may not use it is not told which of the two it is.
   * @param name of a repository, or for all below a path `acme/shop/*`
   */
  may(identity: Identity, name: string, action: Action): boolean | Promise<boolean>;
  /** Whether {@link may} would say yes without looking at any records. */
  isKnownToAllow(bearer: RegistryTokenIdentity, name: string, action: Action): boolean;
  /** As {@link may}, and says why not. Refused too where there is no such repository. */
  judge(identity: Identity, name: string, action: Action): Promise<Verdict>;
  /** What rules that protect tags compare with what they ask for; 0 for whoever has no role in the repository's project. */
  protectionLevel(identity: Identity, name: string): Promise<number>;
  /**
   * The project that hosted repositories of this name, or all below this path, belong to.
   * @param who for whom it was looked at already, if anybody; the answer is the same
   */
  findProject(name: string, who?: Principal | AnonymousIdentity): Promise<RuledProject | undefined>;
}

export interface RecordedRepositoryRightsOptions extends StandingsOptions {
  readonly protectionRules: Pick<ProtectionRules, 'list'>;
  readonly principals: Pick<Principals, 'believe'>;
  /**
   * False: whatever exists can be pulled from, and hosted repositories pushed to and deleted from, by everyone. Whether they
   * logged in, as whom, and what their tokens carry makes no difference, or a login would take rights away. What a protection rule
   * guards remains with those whom it names.
   */
  readonly isLoginRequired: boolean;
}

export class RecordedRepositoryRights implements RepositoryRights {
  readonly #options: RecordedRepositoryRightsOptions;
  readonly #standings: Standings;
  readonly #rules: Beliefs<readonly ProtectionRule[]>;
  /**
   * Until when, in epoch milliseconds, the bearer of a registry token may do what it carries: for each grant and each action, at one
   * revision of the records. Warm pulls need nothing else. It goes with the verified token, which is the same object for every request.
   */
  #allowed = new WeakMap<RegistryTokenIdentity, number[]>();
  #revision = 0;

  constructor(options: RecordedRepositoryRightsOptions) {
    this.#options = options;
    this.#standings = new Standings(options);
    this.#rules = new Beliefs(options);
  }

  may(identity: Identity, name: string, action: Action): boolean | Promise<boolean> {
    if (!this.#options.isLoginRequired || identity.kind !== 'registry-token')
      return this.#may(identity, name, action);
    const index = findGrantedAction(identity, name, action);
    if (index === -1) return false;
    return this.#isRemembered(identity, index) || this.#mayBearer(identity, name, action, index);
  }

  isKnownToAllow(bearer: RegistryTokenIdentity, name: string, action: Action): boolean {
    const index = this.#options.isLoginRequired ? findGrantedAction(bearer, name, action) : -1;
    return index !== -1 && this.#isRemembered(bearer, index);
  }

  async judge(identity: Identity, name: string, action: Action): Promise<Verdict> {
    return (await this.#judge(identity, name, action)).value;
  }

  async protectionLevel(identity: Identity, name: string): Promise<number> {
    const who = (await this.#believe(identity)).value ?? anonymous;
    const standing = (await this.#standings.find(who, name, 'push'))?.value;
    return standing?.kind === 'hosted' ? protectionLevelOf(who, standing.project, standing.level) : 0;
  }

  async findProject(
    name: string,
    who: Principal | AnonymousIdentity = anonymous,
  ): Promise<RuledProject | undefined> {
    const standing = (await this.#standings.find(who, name, 'pull'))?.value;
    return standing?.kind === 'hosted' ? standing.project : undefined;
  }

  /** Whether a yes is remembered, and still holds. */
  #isRemembered(bearer: RegistryTokenIdentity, index: number): boolean {
    const { revision, now } = this.#options;
    if (this.#revision !== revision.current) {
      this.#revision = revision.current;
      this.#allowed = new WeakMap();
    }
    return (this.#allowed.get(bearer)?.[index] ?? 0) > now();
  }

  async #may(identity: Identity, name: string, action: Action): Promise<boolean> {
    return (await this.judge(identity, name, action)) === 'allowed';
  }

  /** Whether whoever the token was made for may still do what it carries. @param index where to remember a yes */
  async #mayBearer(
    identity: RegistryTokenIdentity,
    name: string,
    action: Action,
    index: number,
  ): Promise<boolean> {
    // The answer is remembered for nobody where the records change meanwhile.
    const remembered = this.#allowed;
    const { value, until } = await this.#judge(identity, name, action);
    if (value !== 'allowed') return false;
    const allowed = remembered.get(identity) ?? [];
    allowed[index] = until;
    remembered.set(identity, allowed);
    return true;
  }

  async #judge(identity: Identity, name: string, action: Action): Promise<Belief<Verdict>> {
    const { isLoginRequired } = this.#options;
    const isExternal = identity.kind === 'registry-token' && identity.principal?.kind === 'external';
    const grant =
      isLoginRequired && identity.kind === 'registry-token'
        ? identity.access[findGrant(identity, name, action)]
        : undefined;
    if (isLoginRequired && identity.kind === 'registry-token' && !grant) return refused;
    // Where everyone may pull it does not matter who they are.
    const asked = isLoginRequired || action !== 'pull' ? identity : anonymous;
    const { value, until } = await this.#believe(asked);
    // And where everyone may push, a login that does not count any more makes nobody less than anonymous.
    const who = value ?? (isLoginRequired && !isExternal ? undefined : anonymous);
    const standing = who && (await this.#standings.find(who, name, action));
    if (!standing || !this.#mayUse(who, isExternal, action, standing.value)) return refused;
    if (isForAnother(grant, standing.value)) return refused;
    const holds = Math.min(until, standing.until);
    if (action === 'pull' || standing.value.kind !== 'hosted') return { value: 'allowed', until: holds };
    const { project, level } = standing.value;
    const rules = await this.#rules.find(String(project.id), () =>
      this.#options.protectionRules.list(project.id),
    );
    if (!rules) return refused;
    const required = requiredRepositoryLevel(rules.value, project.fullPath, name, action);
    const isProtected = protectionLevelOf(who, project, level) < required;
    return { value: isProtected ? 'protected' : 'allowed', until: Math.min(holds, rules.until) };
  }

  #mayUse(
    who: Principal | AnonymousIdentity,
    isExternal: boolean,
    action: Action,
    standing: Standing,
  ): boolean {
    const { isLoginRequired } = this.#options;
    // Another token server says who may; which repositories there are, we do.
    if (isExternal || !isLoginRequired) {
      if (standing.kind === 'hosted') return isEnabled(standing.project);
      return standing.kind === 'group' || !isLoginRequired;
    }
    switch (standing.kind) {
      case 'hosted':
        return mayUseProject(who, action, standing.project, standing.level);
      case 'group':
        return mayPullGroup(who, standing.group, standing.level);
      case 'virtual':
        return mayPullVirtual(who, standing.registry, standing.isMember);
    }
  }

  /** Whom the identity stands for; undefined: somebody whom we do not know, or not any more. */
  async #believe(identity: Identity): Promise<Belief<Principal | AnonymousIdentity | undefined>> {
    if (identity.kind !== 'registry-token') return { value: identity, until: Number.POSITIVE_INFINITY };
    const { principal: ref } = identity;
    if (!ref) return nobody;
    return ref.kind === 'external' ? stranger : this.#options.principals.believe(ref);
  }
}

const refused: Belief<Verdict> = { value: 'refused', until: 0 };
/** Whoever brings a token that was made for nobody. */
const nobody: Belief<AnonymousIdentity> = { value: anonymous, until: Number.POSITIVE_INFINITY };
/** Whoever brings a token of another token server: they have no role with us. */
const stranger: Belief<undefined> = { value: undefined, until: Number.POSITIVE_INFINITY };

/** Where a yes is remembered, by the token's grant and the action; -1: none of its grants allows it. */
function findGrantedAction(bearer: RegistryTokenIdentity, name: string, action: Action): number {
  const grant = findGrant(bearer, name, action);
  return grant === -1 ? -1 : grant * actions.length + actions.indexOf(action);
}

/** Which of the token's grants allows it; -1: none. It is a loop since every pull runs it. */
function findGrant({ access }: RegistryTokenIdentity, name: string, action: Action): number {
  for (let index = 0; index < access.length; index += 1) {
    const grant = access[index];
    if (grant?.name === name && grant.type === 'repository' && grant.actions.includes(action)) return index;
  }
  return -1;
}

/** Whether it was granted when the path was another project's. */
function isForAnother(grant: CarriedGrant | undefined, standing: Standing): boolean {
  return grant?.project !== undefined && standing.kind === 'hosted' && standing.project.id !== grant.project;
}

function isEnabled(project: RuledProject): boolean {
  return project.containerRegistryAccessLevel !== 'disabled';
}
