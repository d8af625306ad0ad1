/** Groups and projects that go to another group, with all that is in them: repositories are called by their new paths at once. */
import { accessLevels } from '../../auth/rights/access-levels.ts';
import { recordRename } from '../../hosted/changes/write-records.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Group } from '../../metadata/namespaces/groups.ts';
import { type Actor, authorOf, userOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { Changes } from '../acting/changes.ts';
import { demandNoUser, getGroup } from '../acting/find-group.ts';
import type { PullCaches } from '../acting/pull-caches.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandAdministrator, Rights } from '../acting/rights.ts';
import { tellExposures } from './exposures.ts';
import { type NamedGroup, type NamedProject, nameGroups, nameProjects } from './full-names.ts';
import { moveProject } from './place-renames.ts';
import { relocateGroup } from './relocation.ts';

export interface TransferServiceOptions {
  readonly database: Database;
  readonly caches: PullCaches;
}

export class TransferService {
  readonly #changes: Changes;
  readonly #rights = new Rights();

  constructor({ database, caches }: TransferServiceOptions) {
    this.#changes = new Changes(database, caches);
  }

  /**
   * Owners of a group and of the one that it goes to transfer it; administrators transfer it to the top.
   * @param target number or full path of the group that it will be in; undefined: none
   * @throws RefusedError not-found, forbidden, bad-request, invalid, conflict
   */
  async transferGroup(actor: Actor, reference: string, target: string | undefined): Promise<NamedGroup> {
    const { group } = await this.#changes.run(async (tx) => {
      const moving = await this.#rights.getGroup(tx, actor, reference, 'own');
      const parent = target === undefined ? undefined : await this.#getTarget(tx, actor, target);
      if (!parent) demandAdministrator(actor, 'write');
      demandNoUser(moving);
      if (parent) demandNoUser(parent);
      demandOtherPlace(moving, parent);
      if (parent) await demandNoRegistries(tx, moving);
      const fullPath = await relocateGroup(tx, moving, { parent, path: moving.path });
      if (!parent) await giveOwner(tx, actor, { id: moving.id, fullPath });
      const details = { from: moving.fullPath, to: fullPath };
      await recordChange(tx, actor, {
        action: 'group.transfer',
        targetId: moving.id,
        details,
        groupPath: fullPath,
      });
      await recordRename(tx, authorOf(actor), moving.fullPath, fullPath);
      await tellExposures(tx, actor, { path: fullPath });
      const [named] = await nameGroups(tx, [await getGroup(tx, String(moving.id))]);
      if (!named) throw new RefusedError('not-found', 'Group');
      return { groupId: moving.id, group: named };
    });
    return group;
  }

  /**
   * Owners of a project who are Maintainers of the group that it goes to transfer it.
   * @param target number or full path of a group
   * @throws RefusedError not-found, forbidden, invalid, conflict
   */
  async transferProject(actor: Actor, reference: string, target: string): Promise<NamedProject> {
    const { project } = await this.#changes.run(async (tx) => {
      const moving = await this.#rights.getProject(tx, actor, reference, 'own');
      const group = await this.#rights.getGroup(tx, actor, target, 'write');
      await moveProject(tx, actor, moving, group);
      const moved = await tx.projects.find(moving.id);
      const [named] = moved ? await nameProjects(tx, [moved]) : [];
      if (!named) throw new RefusedError('not-found', 'Project');
      await tellExposures(tx, actor, { path: named.fullPath });
      return { groupId: group.id, project: named };
    });
    return project;
  }

  /** The group that things go to; it takes the same rights as creating a group in it. */
  #getTarget(tx: Records, actor: Actor, reference: string): Promise<Group> {
    return this.#rights.getGroup(tx, actor, reference, 'own');
  }
}

/** @throws RefusedError bad-request */
function demandOtherPlace(moving: Group, parent: Group | undefined): void {
  if (moving.parentId === parent?.id) throw new RefusedError('bad-request', 'the group is there already');
  if (parent && `${parent.fullPath}/`.startsWith(`${moving.fullPath}/`)) {
    throw new RefusedError('bad-request', 'a group cannot go into itself');
  }
}

/** @throws RefusedError conflict: virtual registries and their upstreams belong to top-level groups */
async function demandNoRegistries(tx: Records, { id, fullPath }: Group): Promise<void> {
  const upstreams = await tx.upstreams.list(id, undefined, { page: 1, perPage: 1 });
  if ((await tx.virtualRegistries.count(id)) + upstreams.total === 0) return;
  throw new RefusedError(
    'conflict',
    `${fullPath} has virtual registries or upstreams, which only a top-level group can have. Delete them, and transfer then.`,
  );
}

/** A top-level group has an Owner of its own. */
async function giveOwner(
  tx: Records,
  actor: Actor,
  { id, fullPath }: Pick<Group, 'id' | 'fullPath'>,
): Promise<void> {
  const { userId } = userOf(actor);
  if (await tx.members.hasOtherOwner(fullPath, userId)) return;
  const accessLevel = accessLevels.owner;
  const place = { groupId: id };
  const known = await tx.members.find(place, userId);
  if (known) await tx.members.update(place, userId, { accessLevel, expiresAt: null });
  else await tx.members.create({ ...place, userId, accessLevel });
}
