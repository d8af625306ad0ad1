/** Groups: what registries and projects belong to, and what roles are given in. Groups nest. */

import { accessLevels } from '../../auth/rights/access-levels.ts';
import { deletePlace } from '../../hosted/repositories/place-deletion.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Group, GroupChanges, GroupFilter, Visibility } from '../../metadata/namespaces/groups.ts';
import { parentPathOf } from '../../oci/reference.ts';
import { type Actor, authorOf, userOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { Changes, runChange } from '../acting/changes.ts';
import { demandNoUser, holdGroup } from '../acting/find-group.ts';
import { demandUnmodified } from '../acting/preconditions.ts';
import type { PullCaches } from '../acting/pull-caches.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandAdministrator, Rights } from '../acting/rights.ts';
import { tellExposures } from './exposures.ts';
import { type NamedGroup, nameGroups } from './full-names.ts';
import { demandFreePath, fullPathOf } from './paths.ts';
import { renameGroup } from './place-renames.ts';
import { visibleGroupsOf } from './visibility.ts';

export type { NamedGroup };

export interface GroupInput {
  /** The number of the group that it will be in; undefined: it will be a top-level group. */
  readonly parentId?: number | undefined;
  readonly name: string;
  readonly path: string;
  readonly description?: string | undefined;
  readonly visibility: Visibility;
}

/** The sizes of a group in bytes. */
export interface GroupSizes {
  /** What its projects and those of its subgroups link: the sum of what counts for each of them. */
  readonly hosted: number;
  /** Distinct blobs that its virtual registries have cached. */
  readonly cached: number;
}

/** What is undefined stays as it is. */
export interface GroupUpdate extends GroupChanges {
  /** The last segment of its full path: another one renames all that is below it, repositories too. */
  readonly path?: string | undefined;
}

export interface GroupServiceOptions {
  readonly database: Database;
  readonly caches: PullCaches;
}

export class GroupService {
  readonly #database: Database;
  readonly #changes: Changes;
  readonly #caches: PullCaches;
  readonly #rights = new Rights();

  constructor({ database, caches }: GroupServiceOptions) {
    this.#database = database;
    this.#changes = new Changes(database, caches);
    this.#caches = caches;
  }

  /** The groups that the actor may know of, by full path. @param search part of the name or path */
  async list(actor: Actor, search: string | undefined, page: Page): Promise<Paged<NamedGroup>> {
    return this.#list(actor, { search }, page);
  }

  /** As {@link list}, of the groups directly below a group. @param reference number or full path. @throws RefusedError not-found */
  async listSubgroups(
    actor: Actor,
    reference: string,
    search: string | undefined,
    page: Page,
  ): Promise<Paged<NamedGroup>> {
    const { id: parentId } = await this.#rights.getGroup(this.#database, actor, reference, 'see');
    return this.#list(actor, { search, parentId }, page);
  }

  /** As {@link listSubgroups}, at any depth. */
  async listDescendants(
    actor: Actor,
    reference: string,
    search: string | undefined,
    page: Page,
  ): Promise<Paged<NamedGroup>> {
    const { fullPath: below } = await this.#rights.getGroup(this.#database, actor, reference, 'see');
    return this.#list(actor, { search, below }, page);
  }

  async #list(actor: Actor, filter: GroupFilter, page: Page): Promise<Paged<NamedGroup>> {
    const visibleTo = visibleGroupsOf(actor);
    const found = await this.#database.groups.list({ ...filter, visibleTo }, page);
    return { ...found, records: await nameGroups(this.#database, found.records) };
  }

  /** @param reference number or full path. @throws RefusedError not-found */
  async get(actor: Actor, reference: string): Promise<NamedGroup> {
    return named(this.#database, await this.#rights.getGroup(this.#database, actor, reference, 'see'));
  }

  /** Reporters and above see sizes; undefined for others. @param group that the actor may see */
  async findSizes(actor: Actor, { id, fullPath }: Group): Promise<GroupSizes | undefined> {
    const { repositoryBlobs, cacheSizes } = this.#database;
    if (!(await this.#rights.hasRole(this.#database, actor, fullPath, accessLevels.reporter)))
      return undefined;
    return {
      hosted: await repositoryBlobs.bytesOfGroup(fullPath),
      cached: await cacheSizes.bytesOf(id),
    };
  }

  /**
   * Administrators create groups at the top, whose first Owner they become; Owners of a group create groups in it, which they own as well.
   * @throws RefusedError not-found, forbidden, invalid
   */
  async create(actor: Actor, input: GroupInput): Promise<NamedGroup> {
    const { parentId } = input;
    if (parentId === undefined) demandAdministrator(actor, 'write');
    return runChange(this.#database, async (tx) => {
      const parent =
        parentId === undefined ? undefined : await this.#rights.getGroup(tx, actor, String(parentId), 'own');
      const fullPath = fullPathOf(parent?.fullPath, input.path);
      if (parent) demandNoUser(parent);
      if (parent) await holdGroup(tx, parent.id);
      await demandFreePath(tx, fullPath);
      const group = await tx.groups.create({ ...input, fullPath });
      if (!parent) {
        const { userId } = userOf(actor);
        await tx.members.create({ groupId: group.id, userId, accessLevel: accessLevels.owner });
      }
      await recordChange(tx, actor, {
        action: 'group.create',
        targetId: group.id,
        details: { name: input.name, path: fullPath, visibility: input.visibility },
        groupPath: fullPath,
      });
      return named(tx, group);
    });
  }

  /**
   * Owners change a group. Its quota is changed by Owners of a group above it, and of a top-level group by administrators.
   * @throws RefusedError not-found, forbidden, invalid
   */
  async update(actor: Actor, reference: string, { path, ...changes }: GroupUpdate): Promise<NamedGroup> {
    const updated = await runChange(this.#database, async (tx) => {
      const known = await this.#rights.getGroup(tx, actor, reference, 'own');
      const { id } = known;
      if (path !== undefined) demandNoUser(known);
      const fullPath = path === undefined ? known.fullPath : await renameGroup(tx, actor, known, path);
      if (changes.quotaBytes !== undefined) await this.#demandQuotaRight(tx, actor, fullPath);
      const group = await tx.groups.update(id, changes);
      if (!group) throw new RefusedError('not-found', 'Group');
      const { name, description, visibility, quotaBytes, virtualRegistriesEnabled } = changes;
      if (virtualRegistriesEnabled !== undefined) demandTopLevel(known);
      await recordChange(tx, actor, {
        action: 'group.update',
        targetId: id,
        details: {
          path: fullPath,
          name,
          description,
          visibility,
          containerRegistryQuotaBytes: quotaBytes,
          virtualRegistriesEnabled,
        },
        groupPath: fullPath,
      });
      if (path !== undefined) await tellExposures(tx, actor, { path: fullPath });
      return named(tx, group);
    });
    if (path !== undefined || changes.virtualRegistriesEnabled !== undefined)
      this.#caches.forgetGroup(updated.id);
    return updated;
  }

  /** Owners remove a group with all that belongs to it, subgroups too. @throws RefusedError not-found, forbidden, precondition-failed */
  async remove(actor: Actor, reference: string, unmodifiedSince: number | undefined): Promise<void> {
    await this.#changes.run(async (tx) => {
      const group = await this.#rights.getGroup(tx, actor, reference, 'own');
      demandNoUser(group);
      demandUnmodified(group, unmodifiedSince);
      await holdGroup(tx, group.id);
      await deletePlace(tx, authorOf(actor), { ...group, kind: 'group' });
      await recordChange(tx, actor, {
        action: 'group.delete',
        targetId: group.id,
        details: { name: group.name, path: group.fullPath },
        groupPath: group.fullPath,
      });
      return { groupId: group.id };
    });
  }

  /** Nobody lifts a limit that was set for them from above. */
  async #demandQuotaRight(tx: Records, actor: Actor, fullPath: string): Promise<void> {
    const parentPath = parentPathOf(fullPath);
    if (parentPath === '' && !userOf(actor).isAdmin) {
      throw new RefusedError('forbidden', 'only administrators set the quota of a top-level group');
    }
    if (parentPath !== '' && !(await this.#rights.hasRole(tx, actor, parentPath, accessLevels.owner))) {
      throw new RefusedError('forbidden', 'only Owners of a group above it set the quota of a subgroup');
    }
  }
}

/** @throws RefusedError bad-request: nothing below them has virtual registries */
function demandTopLevel({ parentId }: Group): void {
  if (parentId === undefined) return;
  throw new RefusedError('bad-request', 'virtual_registries_enabled is only available on top-level groups.');
}

async function named(records: Pick<Records, 'groups'>, group: Group): Promise<NamedGroup> {
  const [only] = await nameGroups(records, [group]);
  if (!only) throw new RefusedError('not-found', 'Group');
  return only;
}
