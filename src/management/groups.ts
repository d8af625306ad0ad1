/** Groups: what registries belong to, and what roles are given in. */
import { accessLevels } from '../auth/access.ts';
import type { Database } from '../metadata/database.ts';
import type { Group, Visibility } from '../metadata/groups.ts';
import type { Page, Paged } from '../metadata/page.ts';
import { isRepositoryName } from '../oci/reference.ts';
import { type Actor, userOf } from './actor.ts';
import { recordChange } from './audit.ts';
import { Changes } from './changes.ts';
import { demandUnmodified } from './preconditions.ts';
import type { PullCaches } from './pull-caches.ts';
import { RefusedError } from './refused-error.ts';
import { demandAdministrator, Rights } from './rights.ts';

export interface GroupInput {
  readonly name: string;
  readonly path: string;
  readonly description?: string | undefined;
  readonly visibility: Visibility;
}

export interface GroupServiceOptions {
  readonly database: Database;
  readonly caches: PullCaches;
  readonly now: () => number;
}

/** Image names that begin with it belong to virtual registries. */
const reservedPath = 'virtual_registries';

export class GroupService {
  readonly #database: Database;
  readonly #changes: Changes;
  readonly #rights: Rights;

  constructor({ database, caches, now }: GroupServiceOptions) {
    this.#database = database;
    this.#changes = new Changes(database, caches);
    this.#rights = new Rights(now);
  }

  /** Those that the actor may know of, by full path. @param search part of the name or path */
  async list(actor: Actor, search: string | undefined, page: Page): Promise<Paged<Group>> {
    const user = userOf(actor);
    const visibleTo = user.isAdmin
      ? undefined
      : { visibilities: ['internal', 'public'] as const, memberId: user.userId };
    return this.#database.groups.list({ search, visibleTo }, page);
  }

  /** @param reference number or full path. @throws RefusedError not-found */
  async get(actor: Actor, reference: string): Promise<Group> {
    return this.#rights.getGroup(this.#database, actor, reference, 'see');
  }

  /** A top-level group, whose owner the actor becomes. For administrators. @throws RefusedError forbidden, invalid */
  async create(actor: Actor, input: GroupInput): Promise<Group> {
    demandAdministrator(actor, 'write');
    const { userId } = userOf(actor);
    checkPath(input.path);
    const { group } = await this.#changes.run(async (tx) => {
      const created = await tx.groups.create({ ...input, fullPath: input.path.toLowerCase() });
      await tx.members.create({ groupId: created.id, userId, accessLevel: accessLevels.owner });
      await recordChange(tx, actor, {
        action: 'group.create',
        targetId: created.id,
        details: { name: input.name, path: input.path, visibility: input.visibility },
      });
      return { group: created, groupId: created.id };
    });
    return group;
  }

  /** With all that belongs to it. For its owners. @throws RefusedError not-found, forbidden, precondition-failed */
  async remove(actor: Actor, reference: string, unmodifiedSince: number | undefined): Promise<void> {
    await this.#changes.run(async (tx) => {
      const group = await this.#rights.getGroup(tx, actor, reference, 'own');
      demandUnmodified(group, unmodifiedSince);
      await tx.groups.remove(group.id);
      await recordChange(tx, actor, {
        action: 'group.delete',
        targetId: group.id,
        details: { name: group.name, path: group.fullPath },
      });
      return { groupId: group.id };
    });
  }
}

/** Images will be called by it, and a number would be taken for an id. @throws RefusedError invalid */
function checkPath(path: string): void {
  const name = path.toLowerCase();
  if (!isRepositoryName(name) || name.includes('/')) {
    throw new RefusedError('invalid', {
      path: ["can contain only letters, digits, and '_', '-', '.' between them"],
    });
  }
  if (/^\d+$/.test(name)) throw new RefusedError('invalid', { path: ['can not be a number'] });
  if (name === reservedPath) throw new RefusedError('invalid', { path: ['is a reserved name'] });
}
