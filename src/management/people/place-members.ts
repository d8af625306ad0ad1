/** The roles that were given in a group, or in a project: the same calls for both. */

import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { ListedMember, Role, RoleChanges } from '../../metadata/people/listed-member.ts';
import type { Place } from '../namespaces/places.ts';

export interface NewRole {
  readonly userId: number;
  readonly accessLevel: number;
  /** Epoch milliseconds; undefined: never. */
  readonly expiresAt?: number | undefined;
}

/** Only what was given in this very place. */
export interface PlaceMembers {
  /** By user id. */
  list(page: Page): Promise<Paged<ListedMember>>;
  find(userId: number): Promise<Role | undefined>;
  /** @throws UniqueViolation, MissingOwner */
  create(role: NewRole): Promise<Role>;
  update(userId: number, changes: RoleChanges): Promise<Role | undefined>;
  remove(userId: number): Promise<boolean>;
}

export function membersOf(
  { members, projectMembers }: Pick<Records, 'members' | 'projectMembers'>,
  { kind, id }: Place,
): PlaceMembers {
  if (kind === 'group') {
    return {
      list: (page) => members.list(id, page),
      find: (userId) => members.find(id, userId),
      create: (role) => members.create({ groupId: id, ...role }),
      update: (userId, changes) => members.update(id, userId, changes),
      remove: (userId) => members.remove(id, userId),
    };
  }
  return {
    list: (page) => projectMembers.list(id, page),
    find: (userId) => projectMembers.find(id, userId),
    create: (role) => projectMembers.create({ projectId: id, ...role }),
    update: (userId, changes) => projectMembers.update(id, userId, changes),
    remove: (userId) => projectMembers.remove(id, userId),
  };
}
