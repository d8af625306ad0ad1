/** Roles are given in a group or a project, and a group's hold in all that is below it: conditions for queries. */
import { type Expression, expressionBuilder, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Tables } from '../db/tables.ts';
import { below, pathsUpTo } from '../namespaces/below.ts';

export interface MemberCriteria {
  readonly userId: number;
  /** As of {@link MemberTable.accessLevel}. */
  readonly leastLevel: number;
  /** Epoch milliseconds: roles that have expired by then do not count. */
  readonly now: number;
}

/** The ids of the groups in which the user has such a role. */
export function groupsOfMember(member: MemberCriteria) {
  return groupRolesOf(member)
    .innerJoin('groups as inside', (join) =>
      join.on((eb) =>
        eb.or([
          eb('inside.id', '=', eb.ref('granting.id')),
          below(eb.ref('inside.fullPath'), eb.ref('granting.fullPath')),
        ]),
      ),
    )
    .select('inside.id');
}

/** The ids of the projects in which the user has such a role. */
export function projectsOfMember(member: MemberCriteria) {
  return groupRolesOf(member)
    .innerJoin('projects as inside', (join) =>
      join.on((eb) => below(eb.ref('inside.fullPath'), eb.ref('granting.fullPath'))),
    )
    .select('inside.id')
    .unionAll(
      rolesOf(member).innerJoin('projects', 'projects.id', 'members.projectId').select('projects.id'),
    );
}

function groupRolesOf(member: MemberCriteria) {
  return rolesOf(member).innerJoin('groups as granting', 'granting.id', 'members.groupId');
}

function rolesOf({ userId, leastLevel, now }: MemberCriteria) {
  return expressionBuilder<Tables>()
    .selectFrom('members')
    .where('members.userId', '=', userId)
    .where('members.accessLevel', '>=', leastLevel)
    .where(isCurrent(now));
}

/** The current roles that hold in the group or project of this full path, with the path where each was given. */
export function rolesUpTo(fullPath: string, now: number) {
  return currentRoles(now, (path) => sql<SqlBool>`${path} in (${sql.join(pathsUpTo(fullPath))})`);
}

/** The current roles in the group of this full path, and in the groups and projects below it. */
export function rolesWithin(fullPath: string, now: number) {
  return currentRoles(now, (path) => sql<SqlBool>`(${path} = ${fullPath} or ${below(path, fullPath)})`);
}

const role = ['members.userId', 'members.accessLevel', 'members.expiresAt', 'members.createdAt'] as const;

/** Groups and projects share one set of paths, so that the condition asks for the path alone. */
function currentRoles(now: number, isThere: (path: Expression<string>) => Expression<SqlBool>) {
  const members = expressionBuilder<Tables>().selectFrom('members').select(role).where(isCurrent(now));
  return members
    .innerJoin('groups', 'groups.id', 'members.groupId')
    .select('groups.fullPath')
    .where((eb) => isThere(eb.ref('groups.fullPath')))
    .unionAll(
      members
        .innerJoin('projects', 'projects.id', 'members.projectId')
        .select('projects.fullPath')
        .where((eb) => isThere(eb.ref('projects.fullPath'))),
    );
}

/** Whether a role has not expired, in a query on members. */
function isCurrent(now: number): RawBuilder<SqlBool> {
  const expires = sql.ref('members.expiresAt');
  return sql<SqlBool>`(${expires} is null or ${expires} > ${now})`;
}
