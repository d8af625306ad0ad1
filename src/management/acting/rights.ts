/**
 * Finds what someone asks for and whether they may have it, in GitLab's order: what does not exist and what is private to
 * others look the same; after that a role that is too low is told so. A role in a group holds in all that is below it.
 */
import {
  type Action,
  effectiveLevel,
  isAdministrator,
  mayGrant,
  mayUseRegistryOf,
} from '../../auth/rights/access.ts';
import type { AccessLevel } from '../../auth/rights/access-levels.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Group } from '../../metadata/namespaces/groups.ts';
import type { Place } from '../../metadata/namespaces/place.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import type { UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import type { VirtualRegistry } from '../../metadata/registries/virtual-registries.ts';
import type { PlaceReference } from '../namespaces/places.ts';
import { type Actor, userOf, viewerOf } from './actor.ts';
import { demandNoUser, getGroup } from './find-group.ts';
import { demand, demandRegistries, findLevel, type Need, refusalFor } from './needs.ts';
import { RefusedError } from './refused-error.ts';

/** What belongs to a group, with where that is. */
export type Owned<T> = T & { readonly groupPath: string };

export class Rights {
  /**
   * @param reference the group's number or its full path
   * @throws RefusedError unauthorized, not-found, forbidden
   */
  async getGroup(
    records: Pick<Records, 'groups' | 'members'>,
    actor: Actor,
    reference: string,
    need: Need,
  ): Promise<Group> {
    const group = await getGroup(records, reference);
    await demand(records, actor, group, need, 'Group');
    return group;
  }

  /**
   * As {@link getGroup}, a group whose virtual registries the actor wants to see or change.
   * @param refusal of a subgroup: GitLab's endpoints differ
   */
  async getTopLevelGroup(
    records: Records,
    actor: Actor,
    reference: string,
    need: Need,
    refusal: 'forbidden' | 'bad-request',
  ): Promise<Group> {
    const group = await getGroup(records, reference);
    await demandRegistries(records, actor, group, need, 'Group');
    demandNoUser(group);
    if (group.parentId === undefined) return group;
    throw refusal === 'forbidden'
      ? new RefusedError('forbidden')
      : new RefusedError('bad-request', 'only available on top-level groups.');
  }

  /**
   * @param reference the project's number or its full path
   * @throws RefusedError unauthorized, not-found, forbidden
   */
  async getProject(
    records: Pick<Records, 'projects' | 'members'>,
    actor: Actor,
    reference: string,
    need: Need,
  ): Promise<Project> {
    const project = await getProject(records, reference);
    await demand(records, actor, project, need, 'Project');
    return project;
  }

  /**
   * A project in whose registry the actor may pull, push or delete; a job may in its own project, as far as its role goes.
   * @param reference the project's number or its full path
   * @throws RefusedError unauthorized, not-found, forbidden
   */
  async getProjectFor(
    records: Pick<Records, 'projects' | 'members'>,
    actor: Actor,
    reference: string,
    action: Action,
  ): Promise<Project> {
    const project = await getProject(records, reference);
    const asker = viewerOf(actor);
    const level = await findLevel(records, asker, project.fullPath);
    if (mayUseRegistryOf(asker, action, project, level)) return project;
    throw refusalFor(asker, level, project, 'Project');
  }

  /** As {@link getGroup} or {@link getProject}. */
  async getPlace(
    records: Pick<Records, 'groups' | 'projects' | 'members'>,
    actor: Actor,
    { kind, reference }: PlaceReference,
    need: Need,
  ): Promise<Place> {
    const { id, fullPath } =
      kind === 'group'
        ? await this.getGroup(records, actor, reference, need)
        : await this.getProject(records, actor, reference, need);
    return { kind, id, fullPath };
  }

  /** @throws RefusedError unauthorized, not-found, forbidden */
  async getRegistry(records: Records, actor: Actor, id: number, need: Need): Promise<Owned<VirtualRegistry>> {
    return getOwned(records, actor, await records.virtualRegistries.find(id), need);
  }

  /** @throws RefusedError unauthorized, not-found, forbidden */
  async getUpstream(records: Records, actor: Actor, id: number, need: Need): Promise<Owned<UpstreamRecord>> {
    return getOwned(records, actor, await records.upstreams.find(id), need);
  }

  /** Does the actor have this role, or a higher one, in the group or project of this full path? @throws RefusedError unauthorized */
  async hasRole(
    records: Pick<Records, 'members'>,
    actor: Actor,
    fullPath: string,
    least: AccessLevel,
  ): Promise<boolean> {
    if (actor.identity.kind === 'anonymous') return false;
    const user = userOf(actor);
    const level = await records.members.levelAt(fullPath, user.userId);
    return (effectiveLevel(user, level) ?? 0) >= least;
  }
}

/** @throws RefusedError unauthorized, forbidden */
export function demandAdministrator(actor: Actor, purpose: 'read' | 'write'): void {
  if (!isAdministrator(userOf(actor), purpose)) throw new RefusedError('forbidden');
}

/** Nobody gives, changes or takes away a role above their own. @throws RefusedError unauthorized, forbidden */
export async function demandGrant(
  { members }: Pick<Records, 'members'>,
  actor: Actor,
  { fullPath }: Pick<Place, 'fullPath'>,
  accessLevel: number,
): Promise<void> {
  const user = userOf(actor);
  const level = await members.levelAt(fullPath, user.userId);
  if (!mayGrant(user, level, accessLevel)) throw new RefusedError('forbidden');
}

/** @throws RefusedError not-found */
async function getProject({ projects }: Pick<Records, 'projects'>, reference: string): Promise<Project> {
  const isNumber = /^\d{1,15}$/.test(reference);
  const project = isNumber
    ? await projects.find(Number(reference))
    : await projects.findByPath(reference.toLowerCase());
  if (!project) throw new RefusedError('not-found', 'Project');
  return project;
}

async function getOwned<T extends { readonly groupId: number }>(
  records: Records,
  actor: Actor,
  record: T | undefined,
  need: Need,
): Promise<Owned<T>> {
  const group = record && (await records.groups.find(record.groupId));
  if (!group) throw new RefusedError('not-found');
  await demandRegistries(records, actor, group, need);
  return { ...record, groupPath: group.fullPath };
}
