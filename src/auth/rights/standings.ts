/** What someone is to a repository, or to all that is below a path. Rules of access are applied to it, and it is believed for a second. */
import type { Groups } from '../../metadata/namespaces/groups.ts';
import type { Projects } from '../../metadata/namespaces/projects.ts';
import type { Members } from '../../metadata/people/members.ts';
import type { VirtualRegistries } from '../../metadata/registries/virtual-registries.ts';
import {
  findPathOfBelow,
  isRepositoryName,
  parseVirtualName,
  type RepositoryName,
} from '../../oci/reference.ts';
import type { Action, RuledProject, RuledRegistry } from './access.ts';
import { type Belief, Beliefs, type BeliefsOptions } from './beliefs.ts';
import { type AnonymousIdentity, type Principal, userIdOf } from './identity.ts';

export interface StandingsOptions extends BeliefsOptions {
  readonly virtualRegistries: Pick<VirtualRegistries, 'find'>;
  readonly groups: Pick<Groups, 'find' | 'findByPath'>;
  readonly members: Pick<Members, 'levelAt' | 'isBelow'>;
  readonly projects: Pick<Projects, 'findOwner'>;
}

/** Where to look for what a name says. */
type Lookup =
  | { readonly kind: 'virtual'; readonly registryId: number }
  | { readonly kind: 'hosted'; readonly name: RepositoryName }
  | { readonly kind: 'below'; readonly path: RepositoryName };

/** What a user, or nobody in particular, is to something that exists. */
export type Standing =
  | { readonly kind: 'virtual'; readonly registry: RuledRegistry; readonly isMember: boolean }
  | { readonly kind: 'hosted'; readonly project: RuledProject; readonly level: number | undefined }
  | {
      readonly kind: 'group';
      readonly group: { readonly fullPath: string };
      readonly level: number | undefined;
    };

export class Standings {
  readonly #options: StandingsOptions;
  readonly #believed: Beliefs<Standing>;

  constructor(options: StandingsOptions) {
    this.#options = options;
    this.#believed = new Beliefs(options);
  }

  /** Undefined where there is nothing of the name, or nothing of the kind can be done there. */
  async find(
    who: Principal | AnonymousIdentity,
    name: string,
    action: Action,
  ): Promise<Belief<Standing> | undefined> {
    const lookup = lookupOf(name);
    if (!lookup || (lookup.kind !== 'hosted' && action !== 'pull')) return undefined;
    const userId = userIdOf(who);
    const key = `${userId} ${lookup.kind === 'virtual' ? lookup.registryId : name}`;
    return this.#believed.find(key, () => this.#look(lookup, userId));
  }

  async #look(lookup: Lookup, userId: number | undefined): Promise<Standing | undefined> {
    switch (lookup.kind) {
      case 'virtual':
        return this.#lookAtRegistry(lookup.registryId, userId);
      case 'hosted':
        return this.#lookAtProject(lookup.name, userId);
      case 'below':
        return this.#lookBelow(lookup.path, userId);
    }
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

  /** What is below a path in a project is of that project, and else there may be a group of the path. */
  async #lookBelow(path: RepositoryName, userId: number | undefined): Promise<Standing | undefined> {
    const hosted = await this.#lookAtProject(path, userId);
    if (hosted) return hosted;
    const { groups, members } = this.#options;
    const group = await groups.findByPath(path);
    if (!group) return undefined;
    const level = userId === undefined ? undefined : await members.levelAt(group.fullPath, userId);
    return { kind: 'group', group, level };
  }
}

function lookupOf(name: string): Lookup | undefined {
  if (!isRepositoryName(name)) {
    const path = findPathOfBelow(name);
    return path === undefined ? undefined : { kind: 'below', path };
  }
  const virtual = parseVirtualName(name);
  return virtual ? { kind: 'virtual', registryId: virtual.registryId } : { kind: 'hosted', name };
}
