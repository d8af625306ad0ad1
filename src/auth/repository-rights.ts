/** May someone pull from a repository, push to it, delete from it? What the records say of it is believed for a second. */
import { LRUCache } from 'lru-cache';
import type { Visibility } from '../metadata/groups.ts';
import type { Members } from '../metadata/members.ts';
import type { Projects } from '../metadata/projects.ts';
import type { VirtualRegistries } from '../metadata/virtual-registries.ts';
import { isRepositoryName, parseVirtualName, type RepositoryName } from '../oci/reference.ts';
import { type Action, carries, mayPullVirtual, mayUseHosted } from './access.ts';
import type { Identity, UserIdentity } from './identity.ts';
import { repositoryScope } from './scope.ts';

const believedMs = 1000;
const maxRemembered = 10_000;

export interface RepositoryRights {
  /** False too where there is no such repository: who may not use it is not told which it is. */
  may(identity: Identity, name: string, action: Action): Promise<boolean>;
}

export interface RecordedRepositoryRightsOptions {
  readonly virtualRegistries: Pick<VirtualRegistries, 'find'>;
  readonly members: Pick<Members, 'find' | 'levelAt'>;
  readonly projects: Pick<Projects, 'findOwner'>;
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

interface Question {
  readonly place: Place;
  /** Undefined: nobody in particular. */
  readonly userId: number | undefined;
}

/** Of someone towards what exists. Undefined role: not a member. */
type Standing =
  | { readonly kind: 'virtual'; readonly level: number | undefined }
  | { readonly kind: 'hosted'; readonly level: number | undefined; readonly visibility: Visibility };

export class RecordedRepositoryRights implements RepositoryRights {
  readonly #options: RecordedRepositoryRightsOptions;
  /** What does not exist is not remembered, so that it can be used as soon as it was created. */
  readonly #standings: LRUCache<string, Standing, Question>;

  constructor(options: RecordedRepositoryRightsOptions) {
    this.#options = options;
    this.#standings = new LRUCache({
      max: maxRemembered,
      ttl: believedMs,
      ttlResolution: 0,
      perf: { now: options.now },
      fetchMethod: (_key, _stale, { context }) => this.#look(context),
    });
  }

  async may(identity: Identity, name: string, action: Action): Promise<boolean> {
    const place = placeOf(name);
    if (!place || (place.kind === 'virtual' && action !== 'pull')) return false;
    if (!this.#options.isLoginRequired) return (await this.#find(place, undefined)) !== undefined;
    switch (identity.kind) {
      case 'registry-token':
        return carries(identity, repositoryScope(name, [action]));
      case 'user':
        return mayUse(identity, action, await this.#find(place, identity.userId));
      case 'anonymous':
        return false;
    }
  }

  #find(place: Place, userId: number | undefined): Promise<Standing | undefined> {
    const key = `${userId} ${place.kind === 'virtual' ? place.registryId : place.name}`;
    return this.#standings.fetch(key, { context: { place, userId } });
  }

  async #look({ place, userId }: Question): Promise<Standing | undefined> {
    const { virtualRegistries, projects } = this.#options;
    if (place.kind === 'virtual') {
      const registry = await virtualRegistries.find(place.registryId);
      return registry && { kind: 'virtual', level: await this.#levelIn(registry.groupId, userId) };
    }
    const project = await projects.findOwner(place.name);
    if (!project) return undefined;
    const { fullPath, visibility } = project;
    return { kind: 'hosted', level: await this.#levelAt(groupPathOf(fullPath), userId), visibility };
  }

  /** In a top-level group. */
  async #levelIn(groupId: number, userId: number | undefined): Promise<number | undefined> {
    const { members, now } = this.#options;
    const member = userId === undefined ? undefined : await members.find(groupId, userId);
    const isCurrent = member && (member.expiresAt === undefined || member.expiresAt > now());
    return isCurrent ? member.accessLevel : undefined;
  }

  /** In a group or one above it. */
  async #levelAt(groupPath: string, userId: number | undefined): Promise<number | undefined> {
    return userId === undefined ? undefined : this.#options.members.levelAt(groupPath, userId);
  }
}

function placeOf(name: string): Place | undefined {
  if (!isRepositoryName(name)) return undefined;
  const virtual = parseVirtualName(name);
  return virtual ? { kind: 'virtual', registryId: virtual.registryId } : { kind: 'hosted', name };
}

function groupPathOf(projectPath: string): string {
  return projectPath.slice(0, projectPath.lastIndexOf('/'));
}

function mayUse(user: UserIdentity, action: Action, standing: Standing | undefined): boolean {
  if (standing?.kind === 'hosted') return mayUseHosted(user, action, standing.visibility, standing.level);
  return standing !== undefined && mayPullVirtual(user, standing.level);
}
