/** Which projects a list shows, and in which order. */
import type { Kysely } from 'kysely';
import { containing } from '../db/containing.ts';
import type { Direction } from '../db/page.ts';
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

/** @param now epoch milliseconds: roles that have expired by then do not count */
export function matchingProjects(
  db: Kysely<Tables>,
  { search, visibility, groupId, below: path, idAfter, idBefore, visibleTo }: ProjectFilter,
  now: number,
) {
  let query = db.selectFrom('projects').selectAll();
  if (idAfter !== undefined) query = query.where('id', '>', idAfter);
  if (idBefore !== undefined) query = query.where('id', '<', idBefore);
  if (visibility !== undefined) query = query.where('visibility', '=', visibility);
  if (groupId !== undefined) query = query.where('groupId', '=', groupId);
  if (path !== undefined) query = query.where((eb) => below(eb.ref('fullPath'), path));
  if (search) {
    query = query.where((eb) =>
      eb.or([containing(eb.ref('name'), search), containing(eb.ref('fullPath'), search)]),
    );
  }
  if (!visibleTo) return query;
  if (visibleTo.userId === undefined) return query.where('visibility', '=', 'public');
  const member = { userId: visibleTo.userId, leastLevel: 0, now };
  return query.where((eb) =>
    eb.or([eb('visibility', '<>', 'private'), eb('id', 'in', projectsOfMember(member))]),
  );
}
