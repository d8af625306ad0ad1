/**
 * Why somebody may not use a repository, as far as they may know what there is: of what they may not see they learn the same as of what
 * does not exist. Asks the records, since only refusals come here.
 */
import type { Group, Groups, Visibility } from '../../metadata/namespaces/groups.ts';
import type { Project, Projects } from '../../metadata/namespaces/projects.ts';
import type { Members } from '../../metadata/people/members.ts';
import type { VirtualRegistries } from '../../metadata/registries/virtual-registries.ts';
import { findPathOfBelow, isRepositoryName, parseVirtualName } from '../../oci/reference.ts';
import type { Principals } from '../tokens/principals.ts';
import {
  type Action,
  effectiveLevel,
  hasScopeFor,
  mayUseProject,
  type Purpose,
  projectRules,
} from './access.ts';
import { type AccessLevel, accessLevels } from './access-levels.ts';
import { type Identity, type Principal, userIdOf } from './identity.ts';

export type DenialCause =
  /** The repository is not there, or they may not know of it. */
  | { readonly kind: 'hidden' }
  /** They come with a deploy token or as a job, which are for one place. */
  | { readonly kind: 'elsewhere'; readonly what: string; readonly place: string }
  | { readonly kind: 'disabled' | 'too-deep'; readonly project: string }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'no-project'; readonly group: string; readonly mayCreate: boolean }
  | { readonly kind: 'scope'; readonly purpose: Purpose }
  | { readonly kind: 'role'; readonly project: string; readonly level: AccessLevel };

const hidden: DenialCause = { kind: 'hidden' };
/** How many paths are looked for, from the name's end: nothing is nested deeper. */
const maxLooks = 20;

export interface DenialCausesOptions {
  readonly projects: Pick<Projects, 'findOwner' | 'findByPath'>;
  readonly groups: Pick<Groups, 'find' | 'findByPath'>;
  readonly members: Pick<Members, 'levelAt' | 'isBelow'>;
  readonly virtualRegistries: Pick<VirtualRegistries, 'find'>;
  readonly principals: Pick<Principals, 'find'>;
}

export class DenialCauses {
  readonly #options: DenialCausesOptions;

  constructor(options: DenialCausesOptions) {
    this.#options = options;
  }

  /** @param name of a repository, or for all below a path */
  async find(identity: Identity, name: string, action: Action): Promise<DenialCause> {
    const who = await this.#principalOf(identity);
    const path = isRepositoryName(name) ? name : findPathOfBelow(name);
    if (!who || path === undefined) return hidden;
    const virtual = parseVirtualName(path);
    return virtual ? this.#findVirtual(who, virtual.registryId) : this.#findHosted(who, path, action);
  }

  async #principalOf(identity: Identity): Promise<Principal | undefined> {
    if (identity.kind === 'anonymous') return undefined;
    if (identity.kind !== 'registry-token') return identity;
    const { principal } = identity;
    return principal && this.#options.principals.find(principal);
  }

  async #findVirtual(who: Principal, registryId: number): Promise<DenialCause> {
    if (who.kind === 'user' && who.isProjectBot)
      return { kind: 'elsewhere', what: 'the project access token', place: 'its project' };
    const { virtualRegistries, groups, members } = this.#options;
    const registry = await virtualRegistries.find(registryId);
    const group = registry && (await groups.find(registry.groupId));
    if (who.kind === 'deploy-token') {
      const isOwn = group !== undefined && who.place.kind === 'group' && who.place.id === group.id;
      return isOwn ? { kind: 'scope', purpose: 'pull-virtual' } : elsewhere('the deploy token', who.place);
    }
    if (!group || who.kind === 'job') return hidden;
    const isMember = who.isAdmin || (await members.isBelow(group.fullPath, who.userId));
    return isMember ? { kind: 'scope', purpose: 'pull-virtual' } : hidden;
  }

  async #findHosted(who: Principal, name: string, action: Action): Promise<DenialCause> {
    const { projects } = this.#options;
    const owner = await projects.findOwner(name);
    if (owner) return this.#findInProject(who, owner, action);
    const around = await this.#findAround(name, (path) => projects.findByPath(path));
    if (around && (await this.#sees(who, around))) return { kind: 'too-deep', project: around.fullPath };
    const group = await this.#findAround(name, (path) => this.#options.groups.findByPath(path));
    if (!group || !(await this.#sees(who, group))) return placeOnly(who, name);
    if (group.fullPath === name) return { kind: 'group', group: name };
    if (who.kind !== 'user') return placeOnly(who, name);
    const level = effectiveLevel(who, await this.#levelOf(who, group.fullPath)) ?? 0;
    return { kind: 'no-project', group: group.fullPath, mayCreate: level >= accessLevels.maintainer };
  }

  async #findInProject(who: Principal, project: Project, action: Action): Promise<DenialCause> {
    if (!(await this.#sees(who, project))) return placeOnly(who, project.fullPath);
    const { fullPath, visibility, containerRegistryAccessLevel } = project;
    if (containerRegistryAccessLevel === 'disabled') return { kind: 'disabled', project: fullPath };
    const level = await this.#levelOf(who, fullPath);
    const purpose = action === 'pull' ? 'pull-hosted' : 'change-hosted';
    const isScope = who.kind !== 'job' && !hasScopeFor(who, purpose);
    const isEnough = who.kind === 'deploy-token' || mayUseProject(allScopes(who), action, project, level);
    if (isScope && isEnough) return { kind: 'scope', purpose };
    if (who.kind === 'deploy-token') return elsewhere('the deploy token', who.place);
    if (who.kind === 'job' && who.project.id !== project.id) return elsewhere('the job', who.project);
    const needed = projectRules[visibility][containerRegistryAccessLevel][action];
    return typeof needed === 'number' ? { kind: 'role', project: fullPath, level: needed } : hidden;
  }

  /** The nearest group or project that the name is in, or is the path of. */
  async #findAround<T>(name: string, find: (path: string) => Promise<T | undefined>): Promise<T | undefined> {
    const segments = name.split('/');
    for (let length = Math.min(segments.length, maxLooks); length > 0; length -= 1) {
      const found = await find(segments.slice(0, length).join('/'));
      if (found) return found;
    }
    return undefined;
  }

  async #sees(who: Principal, place: Pick<Project | Group, 'fullPath' | 'visibility'>): Promise<boolean> {
    const own = ownPlaceOf(who);
    if (isOpen(place.visibility, who) || (own && isWithin(place.fullPath, own))) return true;
    return effectiveLevelOf(who, await this.#levelOf(who, place.fullPath)) >= accessLevels.guest;
  }

  async #levelOf(who: Principal, fullPath: string): Promise<number | undefined> {
    const userId = userIdOf(who);
    return userId === undefined ? undefined : this.#options.members.levelAt(fullPath, userId);
  }
}

/** A deploy token or a job learns where it is good for something, whatever there is elsewhere. */
function placeOnly(who: Principal, name: string): DenialCause {
  const own = ownPlaceOf(who);
  if (!own || isWithin(name, own)) return hidden;
  return elsewhere(who.kind === 'job' ? 'the job' : 'the deploy token', own);
}

function elsewhere(what: string, { fullPath }: { readonly fullPath: string }): DenialCause {
  return { kind: 'elsewhere', what, place: fullPath };
}

function isOpen(visibility: Visibility, who: Principal): boolean {
  return visibility === 'public' || (visibility === 'internal' && who.kind !== 'deploy-token');
}

/** The place whose content whoever asks may know of. */
function ownPlaceOf(who: Principal): { readonly fullPath: string } | undefined {
  if (who.kind === 'user') return undefined;
  return who.kind === 'job' ? who.project : who.place;
}

function isWithin(path: string, place: { readonly fullPath: string }): boolean {
  return `${path}/`.startsWith(`${place.fullPath}/`);
}

function effectiveLevelOf(who: Principal, level: number | undefined): number {
  return who.kind === 'deploy-token' ? 0 : (effectiveLevel(who, level) ?? 0);
}

function allScopes(who: Principal): Principal {
  return who.kind === 'user' ? { ...who, scopes: 'all' } : who;
}
