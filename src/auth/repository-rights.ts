/** May someone pull from a repository, push to it, delete from it? What the records say of it is believed for a second. */
import type { Groups } from '../metadata/groups.ts';
import type { Members } from '../metadata/members.ts';
import type { Projects } from '../metadata/projects.ts';
import type { VirtualRegistries } from '../metadata/virtual-registries.ts';
import { isRepositoryName, parseVirtualName, type RepositoryName } from '../oci/reference.ts';
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

export interface RepositoryRights {
  /** False too where there is no such repository: who may not use it is not told which it is. */
  may(identity: Identity, name: string, action: Action): boolean | Promise<boolean>;
}

export interface RecordedRepositoryRightsOptions {
  readonly virtualRegistries: Pick<VirtualRegistries, 'find'>;
  readonly groups: Pick<Groups, 'find'>;
  readonly members: Pick<Members, 'levelAt' | 'isBelow'>;
  readonly projects: Pick<Projects, 'findOwner'>;
  readonly principals: Pick<Principals, 'believe'>;
  /**
   * False: whatever exists can be pulled from, and hosted repositories pushed to and deleted from, by everyone. Whether they
   * logged in, as whom, and what their tokens carry makes no difference, or a login would take rights away.
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
  /**
   * Until when, in epoch ms, the bearer of a registry token may do what it carries: for each grant and each action. Warm pulls
   * need nothing else. It goes with the verified token, which is the same object for every request.
   */
  readonly #allowed = new WeakMap<RegistryTokenIdentity, number[]>();

  constructor(options: RecordedRepositoryRightsOptions) {
    this.#options = options;
    this.#standings = new Beliefs(options.now);
  }

  may(identity: Identity, name: string, action: Action): boolean | Promise<boolean> {
    if (!this.#options.isLoginRequired) return this.#mayAnyone(name, action);
    if (identity.kind !== 'registry-token') return this.#mayNow(identity, name, action);
    const grant = findGrant(identity, name, action);
    if (grant === -1) return false;
    const index = grant * actions.length + actions.indexOf(action);
    const until = this.#allowed.get(identity)?.[index];
    if (until !== undefined && until > this.#options.now()) return true;
    return this.#mayBearer(identity, name, action, index);
  }

  async #mayAnyone(name: string, action: Action): Promise<boolean> {
    const standing = (await this.#find(anonymous, name, action))?.value;
    return standing?.kind === 'virtual' || (standing !== undefined && isEnabled(standing.project));
  }

  async #mayNow(who: Principal | AnonymousIdentity, name: string, action: Action): Promise<boolean> {
    const standing = await this.#find(who, name, action);
    return standing !== undefined && mayUse(who, action, standing.value);
  }

  /** The token carries it; but may whoever it was made for do it still? @param index where to remember a yes */
  async #mayBearer(
    identity: RegistryTokenIdentity,
    name: string,
    action: Action,
    index: number,
  ): Promise<boolean> {
    const { principal: ref } = identity;
    if (ref?.kind === 'external') return this.#mayDelegated(name, action);
    const believed = ref ? await this.#options.principals.believe(ref) : nobody;
    if (!believed.value) return false;
    const standing = await this.#find(believed.value, name, action);
    if (!standing || !mayUse(believed.value, action, standing.value)) return false;
    const allowed = this.#allowed.get(identity) ?? [];
    allowed[index] = Math.min(believed.until, standing.until);
    this.#allowed.set(identity, allowed);
    return true;
  }

  /** Another token server says who may; which repositories there are, we do. */
  async #mayDelegated(name: string, action: Action): Promise<boolean> {
    const standing = (await this.#find(anonymous, name, action))?.value;
    return standing?.kind === 'hosted' && isEnabled(standing.project);
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

/** Whoever brings a token that was made for nobody. */
const nobody: Belief<AnonymousIdentity> = { value: anonymous, until: Number.POSITIVE_INFINITY };

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

function mayUse(who: Principal | AnonymousIdentity, action: Action, standing: Standing): boolean {
  if (standing.kind === 'hosted') return mayUseProject(who, action, standing.project, standing.level);
  return mayPullVirtual(who, standing.registry, standing.isMember);
}

function isEnabled(project: RuledProject): boolean {
  return project.containerRegistryAccessLevel !== 'disabled';
}
