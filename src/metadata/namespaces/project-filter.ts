/** Which projects a list shows, and in which order. */
import type { Kysely, RawBuilder, Selectable } from 'kysely';
import { containing } from '../db/containing.ts';
import type { Direction } from '../db/page.ts';
import { indexed, type Naming } from '../db/pages.ts';
import type { Tables } from '../db/tables.ts';
import { projectsOfMember } from '../people/memberships.ts';
import { below } from './below.ts';
import type { Visibility } from './groups.ts';

export interface ProjectFilter {
  /** Part of the name or full path. */
  readonly search?: string | undefined;
  readonly visibility?: Visibility | undefined;
  /** Only those in this very group. */
  readonly groupId?: number | undefined;
  /** Only those in the group of this full path and in its subgroups. */
  readonly below?: string | undefined;
  /** Only those whose numbers are higher, or lower. */
  readonly idAfter?: number | undefined;
  readonly idBefore?: number | undefined;
  /**
   * Only internal and public ones, and those where the user has a current role, there or in a group above; to nobody in particular only
   * public ones. Undefined: all.
   */
  readonly visibleTo?: { readonly userId: number | undefined } | undefined;
}

/** What projects are sorted by; those that are the same there by number. */
export interface ProjectOrder {
  readonly by: 'fullPath' | 'id' | 'name' | 'path' | 'createdAt' | 'updatedAt';
  readonly direction: Direction;
}

export const byPath: ProjectOrder = { by: 'fullPath', direction: 'asc' };

/** Whether the order goes along an index that serves the conditions, too. */
export function isInOrder(
  { search, visibility, groupId, below: path, visibleTo }: ProjectFilter,
  by: ProjectOrder['by'],
): boolean {
  if (search || visibility !== undefined || visibleTo) return false;
  return by === 'fullPath' || (groupId === undefined && path === undefined);
}

/**
 * @param projects where they are looked for
 * @param now epoch milliseconds: roles that have expired by then do not count
 */
export function matchingProjects(
  db: Kysely<Tables>,
  projects: RawBuilder<Selectable<Tables['projects']>>,
  { search, visibility, groupId, below: path, idAfter, idBefore, visibleTo }: ProjectFilter,
  now: number,
  name: Naming = indexed,
) {
  let query = db.selectFrom(projects.as('projects')).selectAll();
  if (idAfter !== undefined) query = query.where('id', '>', idAfter);
  if (idBefore !== undefined) query = query.where('id', '<', idBefore);
  if (visibility !== undefined) query = query.where((eb) => eb(name(eb.ref('visibility')), '=', visibility));
  if (groupId !== undefined) query = query.where((eb) => eb(name(eb.ref('groupId')), '=', groupId));
  if (path !== undefined) query = query.where((eb) => below(name(eb.ref('fullPath')), path));
  if (search) {
    query = query.where((eb) =>
      eb.or([containing(eb.ref('name'), search), containing(eb.ref('fullPath'), search)]),
    );
  }
  if (!visibleTo) return query;
  const { userId } = visibleTo;
  if (userId === undefined) return query.where((eb) => eb(name(eb.ref('visibility')), '=', 'public'));
  const member = { userId, leastLevel: 0, now };
  return query.where((eb) =>
    eb.or([
      eb(name(eb.ref('visibility')), 'in', ['internal', 'public']),
      eb('id', 'in', projectsOfMember(member)),
    ]),
  );
}
