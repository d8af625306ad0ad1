/** Who may know which repositories there are: a condition for queries that read projects. */
import { type Expression, expressionBuilder, type SqlBool } from 'kysely';
import type { Tables } from '../db/tables.ts';
import { projectsOfMember } from '../people/memberships.ts';
import { below } from './below.ts';
import type { Place } from './place.ts';

export interface Viewer {
  /** Undefined: nobody in particular, who has no roles. */
  readonly userId: number | undefined;
  /** The role that shows what is in a project, as of {@link Member.accessLevel}. */
  readonly leastLevel: number;
  /** True: internal projects are to them as private ones; else they are as public ones. */
  readonly isOutsider?: boolean | undefined;
  /** A project that is open to them without a role, or a group with all that is below it. */
  readonly place?: Place | undefined;
}

/** @param now epoch milliseconds */
export function isVisibleTo(
  { userId, leastLevel, isOutsider, place }: Viewer,
  now: number,
): Expression<SqlBool> {
  const eb = expressionBuilder<Tables, 'projects'>();
  const closed = isOutsider ? (['private', 'internal'] as const) : (['private'] as const);
  const open = eb.and([
    eb('projects.visibility', 'not in', closed),
    eb('projects.containerRegistryAccessLevel', '=', 'enabled'),
  ]);
  const member = userId === undefined ? undefined : { userId, leastLevel, now };
  return eb.or([
    open,
    ...(member ? [eb('projects.id', 'in', projectsOfMember(member))] : []),
    ...(place?.kind === 'project' ? [eb('projects.id', '=', place.id)] : []),
    ...(place?.kind === 'group' ? [below(eb.ref('projects.fullPath'), place.fullPath)] : []),
  ]);
}
