/** May someone pull from a repository, push to it, delete from it? What the records say of it is believed for a second. */
import type { Groups } from '../metadata/groups.ts';
import type { Members } from '../metadata/members.ts';
import type { Projects } from '../metadata/projects.ts';
import type { RepositoryProtectionRules } from '../metadata/repository-protection-rules.ts';
import type { VirtualRegistries } from '../metadata/virtual-registries.ts';
import { isRepositoryName, parseVirtualName, type RepositoryName } from '../oci/reference.ts';
import { type RepositoryRule, requiredRepositoryLevel } from '../rules/repository-protection.ts';
import {
  type Action,
  actions,
  mayPullVirtual,
  mayUseProject,
  type RuledProject,
  type RuledRegistry,
} from './access.ts';
import { type Belief, Beliefs } from './beliefs.ts';
import {
  type AnonymousIdentity,
  anonymous,
  type Identity,
  type Principal,
  type RegistryTokenIdentity,
} from './identity.ts';
import type { Principals } from './principals.ts';
import { protectionLevelOf } from './project-roles.ts';

/** protected: a protection rule, and nothing else, keeps them from it. */
export type Verdict = 'allowed' | 'refused' | 'protected';

export interface RepositoryRights {
  /** False too where there is no such repository: who may not use it is not told which it is. */
  may(identity: Identity, name: string, action: Action): boolean | Promise<boolean>;
  /** As {@link may}, with why not. Refused too where there is no such repository. */
  judge(identity: Identity, name: string, action: Action): Promise<Verdict>;
  /** What rules that protect tags compare with what they ask for; 0 for whoever has no role in the repository's project. */
  protectionLevel(identity: Identity, name: string): Promise<number>;
}

export interface RecordedRepositoryRightsOptions {
  readonly virtualRegistries: Pick<VirtualRegistries, 'find'>;
  readonly groups: Pick<Groups, 'find'>;
  readonly members: Pick<Members, 'levelAt' | 'isBelow'>;
  readonly projects: Pick<Projects, 'findOwner'>;
  readonly repositoryProtectionRules: Pick<RepositoryProtectionRules, 'list'>;
  readonly principals: Pick<Principals, 'believe'>;
  /**
   * False: whatever exists can be pulled from, and hosted repositories pushed to and deleted from, by everyone. Whether they
   * logged in, as whom, and what their tokens carry makes no difference, or a login would take rights away. What a protection rule
   * guards remains with those whom it names.
   */
  readonly isLoginRequired: boolean;
  /** epoch ms */
  readonly now: () => number;
}

type Place =
  | { readonly kind: 'virtual'; readonly registryId: number }
  | { readonly kind: 'hosted'; readonly name: RepositoryName };

/** Of a user, or of nobody in particular, towards what exists. */
type Standing =
  | { readonly kind: 'virtual'; readonly registry: RuledRegistry; readonly isMember: boolean }
  | { readonly kind: 'hosted'; readonly project: RuledProject; readonly level: number | undefined };

export class RecordedRepositoryRights implements RepositoryRights {
  readonly #options: RecordedRepositoryRightsOptions;
  readonly #standings: Beliefs<Standing>;
  readonly #rules: Beliefs<readonly RepositoryRule[]>;
  /**
   * Until when, in epoch ms, the bearer of a registry token may do what it carries: for each grant and each action. Warm pulls
   * need nothing else. It goes with the verified token, which is the same object for every request.
   */
  readonly #allowed = new WeakMap<RegistryTokenIdentity, number[]>();

  constructor(options: RecordedRepositoryRightsOptions) {
    this.#options = options;
    this.#standings = new Beliefs(options.now);
    this.#rules = new Beliefs(options.now);
  }

  may(identity: Identity, name: string, action: Action): boolean | Promise<boolean> {
    const { isLoginRequired, now } = this.#options;
    if (!isLoginRequired || identity.kind !== 'registry-token') return this.#may(identity, name, action);
    const grant = findGrant(identity, name, action);
    if (grant === -1) return false;
    const index = grant * actions.length + actions.indexOf(action);
    const until = this.#allowed.get(identity)?.[index];
    if (until !== undefined && until > now()) return true;
    return this.#mayBearer(identity, name, action, index);
  }

  async judge(identity: Identity, name: string, action: Action): Promise<Verdict> {
    return (await this.#judge(identity, name, action)).value;
  }

  async protectionLevel(identity: Identity, name: string): Promise<number> {
    const who = (await this.#believe(identity)).value ?? anonymous;
    const standing = (await this.#find(who, name, 'push'))?.value;
    return standing?.kind === 'hosted' ? protectionLevelOf(who, standing.project, standing.level) : 0;
  }

  async #may(identity: Identity, name: string, action: Action): Promise<boolean> {
    return (await this.judge(identity, name, action)) === 'allowed';
  }

  /** The token carries it; but may whoever it was made for do it still? @param index where to remember a yes */
  async #mayBearer(
    identity: RegistryTokenIdentity,
    name: string,
    action: Action,
    index: number,
  ): Promise<boolean> {
    const { value, until } = await this.#judge(identity, name, action);
    if (value !== 'allowed') return false;
    if (identity.principal?.kind === 'external') return true;
    const allowed = this.#allowed.get(identity) ?? [];
    allowed[index] = until;
    this.#allowed.set(identity, allowed);
    return true;
  }

  async #judge(identity: Identity, name: string, action: Action): Promise<Belief<Verdict>> {
    const { isLoginRequired } = this.#options;
    const isExternal = identity.kind === 'registry-token' && identity.principal?.kind === 'external';
    if (isLoginRequired && identity.kind === 'registry-token' && findGrant(identity, name, action) === -1)
      return refused;
    // Where everyone may pull it does not matter who they are.
    const asked = isLoginRequired || action !== 'pull' ? identity : anonymous;
    const { value, until } = await this.#believe(asked);
    // And where everyone may push, a login that does not count any more makes nobody less than anonymous.
    const who = value ?? (isLoginRequired && !isExternal ? undefined : anonymous);
    const standing = who && (await this.#find(who, name, action));
    if (!standing || !this.#mayUse(who, isExternal, action, standing.value)) return refused;
    const holds = Math.min(until, standing.until);
    if (action === 'pull' || standing.value.kind === 'virtual') return { value: 'allowed', until: holds };
    const { project, level } = standing.value;
    const rules = await this.#rules.find(String(project.id), () =>
      this.#options.repositoryProtectionRules.list(project.id),
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
    if (isLoginRequired && isExternal) return standing.kind === 'hosted' && isEnabled(standing.project);
    if (!isLoginRequired) return standing.kind === 'virtual' || isEnabled(standing.project);
    if (standing.kind === 'hosted') return mayUseProject(who, action, standing.project, standing.level);
    return mayPullVirtual(who, standing.registry, standing.isMember);
  }

  /** Whom it stands for; undefined: for whom we do not know, or not any more. */
  async #believe(identity: Identity): Promise<Belief<Principal | AnonymousIdentity | undefined>> {
    if (identity.kind !== 'registry-token') return { value: identity, until: Number.POSITIVE_INFINITY };
    const { principal: ref } = identity;
    if (!ref) return nobody;
    return ref.kind === 'external' ? stranger : this.#options.principals.believe(ref);
  }

  /** Undefined where there is no such place, or nothing of the kind can be done there. */
  async #find(
    who: Principal | AnonymousIdentity,
    name: string,
    action: Action,
  ): Promise<Belief<Standing> | undefined> {
    const place = placeOf(name);
    if (!place || (place.kind === 'virtual' && action !== 'pull')) return undefined;
    const userId = who.kind === 'user' || who.kind === 'job' ? who.userId : undefined;
    const key = `${userId} ${place.kind === 'virtual' ? place.registryId : place.name}`;
    return this.#standings.find(key, () =>
      place.kind === 'virtual'
        ? this.#lookAtRegistry(place.registryId, userId)
        : this.#lookAtProject(place.name, userId),
    );
  }

  async #lookAtRegistry(id: number, userId: number | undefined): Promise<Standing | undefined> {
    const { virtualRegistries, groups, members } = this.#options;
    const registry = await virtualRegistries.find(id);
    const group = registry && (await groups.find(registry.groupId));
    if (!group) return undefined;
    const isMember = userId !== undefined && (await members.isBelow(group.fullPath, userId));
    return { kind: 'virtual', registry: { group, anonymousPull: registry.anonymousPull }, isMember };
  }

  async #lookAtProject(name: RepositoryName, userId: number | undefined): Promise<Standing | undefined> {
    const { projects, members } = this.#options;
    const project = await projects.findOwner(name);
    if (!project) return undefined;
    const level = userId === undefined ? undefined : await members.levelAt(project.fullPath, userId);
    return { kind: 'hosted', project, level };
  }
}

const refused: Belief<Verdict> = { value: 'refused', until: 0 };
/** Whoever brings a token that was made for nobody. */
const nobody: Belief<AnonymousIdentity> = { value: anonymous, until: Number.POSITIVE_INFINITY };
/** Whoever brings a token of another token server: they have no role with us. */
const stranger: Belief<undefined> = { value: undefined, until: Number.POSITIVE_INFINITY };

/** Which of the token's grants allows it; -1: none. A loop, since every pull runs it. */
function findGrant({ access }: RegistryTokenIdentity, name: string, action: Action): number {
  for (let index = 0; index < access.length; index += 1) {
    const grant = access[index];
    if (grant?.name === name && grant.type === 'repository' && grant.actions.includes(action)) return index;
  }
  return -1;
}

function placeOf(name: string): Place | undefined {
  if (!isRepositoryName(name)) return undefined;
  const virtual = parseVirtualName(name);
  return virtual ? { kind: 'virtual', registryId: virtual.registryId } : { kind: 'hosted', name };
}

function isEnabled(project: RuledProject): boolean {
  return project.containerRegistryAccessLevel !== 'disabled';
}
