/** Roles are given in a group and hold in all that is below it: conditions for queries. */
import { type Expression, expressionBuilder, type SqlBool } from 'kysely';
import { below } from './below.ts';
import type { Tables } from './schema.ts';

export interface MemberCriteria {
  readonly userId: number;
  /** As of {@link Member.accessLevel}. */
  readonly leastLevel: number;
  /** Epoch milliseconds: roles that have expired by then do not count. */
  readonly now: number;
}

/** In a query on members: whether the role has not expired. */
export function isCurrent(now: number): Expression<SqlBool> {
  const eb = expressionBuilder<Tables, 'members'>();
  return eb.or([eb('members.expires_at', 'is', null), eb('members.expires_at', '>', now)]);
}

/** The ids of the groups in which the user has such a role. */
export function groupsOfMember(member: MemberCriteria) {
  return rolesOf(member)
    .innerJoin('groups as inside', (join) =>
      join.on((eb) =>
        eb.or([
          eb('inside.id', '=', eb.ref('granting.id')),
          below(eb.ref('inside.full_path'), eb.ref('granting.full_path')),
        ]),
      ),
    )
    .select('inside.id');
}

/** The ids of the projects in which the user has such a role. */
export function projectsOfMember(member: MemberCriteria) {
  return rolesOf(member)
    .innerJoin('projects as inside', (join) =>
      join.on((eb) => below(eb.ref('inside.full_path'), eb.ref('granting.full_path'))),
    )
    .select('inside.id');
}

function rolesOf({ userId, leastLevel, now }: MemberCriteria) {
  return expressionBuilder<Tables>()
    .selectFrom('members')
    .innerJoin('groups as granting', 'granting.id', 'members.group_id')
    .where('members.user_id', '=', userId)
    .where('members.access_level', '>=', leastLevel)
    .where(isCurrent(now));
}
