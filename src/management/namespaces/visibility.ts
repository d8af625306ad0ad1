/** Which groups and projects lists show: to nobody in particular those that are public. */
import type { GroupFilter } from '../../metadata/namespaces/groups.ts';
import type { ProjectFilter } from '../../metadata/namespaces/project-filter.ts';
import { type Actor, userOf } from '../acting/actor.ts';

/** Undefined: all. @throws RefusedError unauthorized */
export function visibleGroupsOf(actor: Actor): GroupFilter['visibleTo'] {
  if (actor.identity.kind === 'anonymous') return { visibilities: ['public'], memberId: undefined };
  const { isAdmin, userId } = userOf(actor);
  return isAdmin ? undefined : { visibilities: ['internal', 'public'], memberId: userId };
}

/** As {@link visibleGroupsOf}. */
export function visibleProjectsOf(actor: Actor): ProjectFilter['visibleTo'] {
  if (actor.identity.kind === 'anonymous') return { userId: undefined };
  const { isAdmin, userId } = userOf(actor);
  return isAdmin ? undefined : { userId };
}
