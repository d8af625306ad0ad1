/**
 * Groups and projects that go to another group. Images are called by the path of their project: while there are any, nothing
 * that they are called by moves, and who asks is told what to do.
 */
import { accessLevels } from '../auth/access.ts';
import type { Database } from '../metadata/database.ts';
import type { Group } from '../metadata/groups.ts';
import type { Records } from '../metadata/records.ts';
import { isRepositoryName } from '../oci/reference.ts';
import { type Actor, userOf } from './actor.ts';
import { recordChange } from './audit.ts';
import { Changes } from './changes.ts';
import { getGroup, holdGroup } from './find-group.ts';
import { type NamedGroup, type NamedProject, nameGroups, nameProjects } from './full-names.ts';
import { demandFreePath, fullPathOf } from './paths.ts';
import type { PullCaches } from './pull-caches.ts';
import { RefusedError } from './refused-error.ts';
import { demandAdministrator, Rights } from './rights.ts';

export interface TransferServiceOptions {
  readonly database: Database;
  readonly caches: PullCaches;
}

/** How many images a refusal names. */
const maxNamed = 3;

export class TransferService {
  readonly #changes: Changes;
  readonly #rights = new Rights();

  constructor({ database, caches }: TransferServiceOptions) {
    this.#changes = new Changes(database, caches);
  }

  /**
   * For Owners of the group and of the one that it goes to; to the top for administrators.
   * @param target number or full path of the group that it will be in; undefined: none
   * @throws RefusedError not-found, forbidden, bad-request, invalid, conflict
   */
  async transferGroup(actor: Actor, reference: string, target: string | undefined): Promise<NamedGroup> {
    const { group } = await this.#changes.run(async (tx) => {
      const moving = await this.#rights.getGroup(tx, actor, reference, 'own');
      const parent = target === undefined ? undefined : await this.#getTarget(tx, actor, target);
      if (!parent) demandAdministrator(actor, 'write');
      demandOtherPlace(moving, parent);
      const fullPath = fullPathOf(parent?.fullPath, moving.path);
      await holdBoth(tx, moving.id, parent?.id);
      await demandFreePath(tx, fullPath);
      await demandRoomForPaths(tx, moving.fullPath, fullPath);
      await tx.reviews.addGroup(moving.fullPath);
      await demandNoImages(tx, moving.fullPath);
      if (parent) await demandNoRegistries(tx, moving);
      await tx.relocations.removeRepositories(moving.fullPath);
      await tx.relocations.moveGroup(moving.id, moving.fullPath, { parentId: parent?.id ?? null, fullPath });
      if (!parent) await giveOwner(tx, actor, { id: moving.id, fullPath });
      const details = { from: moving.fullPath, to: fullPath };
      await recordChange(tx, actor, {
        action: 'group.transfer',
        targetId: moving.id,
        details,
        groupPath: fullPath,
      });
      const [named] = await nameGroups(tx, [await getGroup(tx, String(moving.id))]);
      if (!named) throw new RefusedError('not-found', 'Group');
      return { groupId: moving.id, group: named };
    });
    return group;
  }

  /**
   * For Owners of the project, who are Maintainers of the group that it goes to.
   * @param target number or full path of a group
   * @throws RefusedError not-found, forbidden, invalid, conflict
   */
  async transferProject(actor: Actor, reference: string, target: string): Promise<NamedProject> {
    const { project } = await this.#changes.run(async (tx) => {
      const moving = await this.#rights.getProject(tx, actor, reference, 'own');
      const { fullPath: from } = moving;
      const group = await this.#rights.getGroup(tx, actor, target, 'write');
      if (group.id === moving.groupId) throw new RefusedError('bad-request', 'the project is in this group');
      const fullPath = fullPathOf(group.fullPath, moving.path);
      await holdBoth(tx, moving.groupId, group.id);
      await demandFreePath(tx, fullPath);
      await tx.reviews.addProject(moving.id);
      await demandNoImages(tx, from);
      await tx.relocations.removeRepositories(from);
      await tx.relocations.moveProject(moving.id, from, group.id, fullPath);
      await recordChange(tx, actor, {
        action: 'project.transfer',
        targetId: moving.id,
        details: { from, to: fullPath, group_id: group.id },
        groupPath: group.fullPath,
        projectPath: fullPath,
      });
      const moved = await tx.projects.find(moving.id);
      const [named] = moved ? await nameProjects(tx, [moved]) : [];
      if (!named) throw new RefusedError('not-found', 'Project');
      return { groupId: group.id, project: named };
    });
    return project;
  }

  /** As for creating a group in it. */
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

/** In the order of their numbers, or two transfers could wait for each other. */
async function holdBoth(tx: Records, one: number, other: number | undefined): Promise<void> {
  const ids = [one, ...(other === undefined ? [] : [other])].sort((a, b) => a - b);
  for (const id of ids) await holdGroup(tx, id);
}

/** @throws RefusedError conflict */
async function demandNoImages(tx: Records, fullPath: string): Promise<void> {
  const names = await tx.relocations.listImages(fullPath, maxNamed + 1);
  if (names.length === 0) return;
  const named = names.slice(0, maxNamed).join(', ') + (names.length > maxNamed ? ', …' : '');
  throw new RefusedError(
    'conflict',
    `There are images below ${fullPath}: ${named}. They are called by this path, and would be lost by a transfer. ` +
      'Copy those you need to a project at the new place, delete them here, and transfer then.',
  );
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

/** @throws RefusedError invalid where a name below it would be none any more */
async function demandRoomForPaths(tx: Records, from: string, to: string): Promise<void> {
  const longest = (await tx.relocations.longestBelow(from)) - from.length;
  if (longest <= 0 || isRepositoryName(`${to}${'a'.repeat(longest)}`)) return;
  throw new RefusedError('invalid', { path: ['is too long together with the paths below it'] });
}

/** A top-level group has an Owner of its own. */
async function giveOwner(
  tx: Records,
  actor: Actor,
  { id, fullPath }: Pick<Group, 'id' | 'fullPath'>,
): Promise<void> {
  const { userId } = userOf(actor);
  if (await tx.inheritedRoles.hasOtherOwner(fullPath, userId)) return;
  const accessLevel = accessLevels.owner;
  const known = await tx.members.find(id, userId);
  if (known) await tx.members.update(id, userId, { accessLevel, expiresAt: null });
  else await tx.members.create({ groupId: id, userId, accessLevel });
}
