/** Roles are given in a group or a project, and a group's hold in all that is below it: conditions for queries. */
import { type Expression, expressionBuilder, type SqlBool, sql } from 'kysely';
import type { Tables } from '../db/schema.ts';
import { below, pathsUpTo } from '../namespaces/below.ts';

export interface MemberCriteria {
  readonly userId: number;
  /** As of {@link Member.accessLevel}. */
  readonly leastLevel: number;
  /** Epoch milliseconds: roles that have expired by then do not count. */
  readonly now: number;
}

/** In a query on one of the tables: whether the role has not expired. */
function isCurrent(table: 'members' | 'project_members', now: number): Expression<SqlBool> {
  const expires = sql.ref(`${table}.expires_at`);
  return sql<SqlBool>`(${expires} is null or ${expires} > ${now})`;
}

/** The ids of the groups in which the user has such a role. */
export function groupsOfMember(member: MemberCriteria) {
  return groupRolesOf(member)
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
  const { userId, leastLevel, now } = member;
  return groupRolesOf(member)
    .innerJoin('projects as inside', (join) =>
      join.on((eb) => below(eb.ref('inside.full_path'), eb.ref('granting.full_path'))),
    )
    .select('inside.id')
    .unionAll(
      expressionBuilder<Tables>()
        .selectFrom('project_members')
        .select('project_members.project_id as id')
        .where('project_members.user_id', '=', userId)
        .where('project_members.access_level', '>=', leastLevel)
        .where(isCurrent('project_members', now)),
    );
}

function groupRolesOf({ userId, leastLevel, now }: MemberCriteria) {
  return expressionBuilder<Tables>()
    .selectFrom('members')
    .innerJoin('groups as granting', 'granting.id', 'members.group_id')
    .where('members.user_id', '=', userId)
    .where('members.access_level', '>=', leastLevel)
    .where(isCurrent('members', now));
}

/** The current roles that hold in the group or project of this full path, with the path where each was given. */
export function rolesUpTo(fullPath: string, now: number) {
  return currentRoles(now, (path) => sql<SqlBool>`${path} in (${sql.join(pathsUpTo(fullPath))})`);
}

/** The current roles in the group of this full path, and in the groups and projects below it. */
export function rolesWithin(fullPath: string, now: number) {
  return currentRoles(now, (path) => sql<SqlBool>`(${path} = ${fullPath} or ${below(path, fullPath)})`);
}

/** Groups and projects share one set of paths, so that the condition asks for the path alone. */
function currentRoles(now: number, isThere: (path: Expression<string>) => Expression<SqlBool>) {
  const eb = expressionBuilder<Tables>();
  return eb
    .selectFrom('members')
    .innerJoin('groups', 'groups.id', 'members.group_id')
    .select([
      'groups.full_path',
      'members.user_id',
      'members.access_level',
      'members.expires_at',
      'members.created_at',
    ])
    .where((where) => isThere(where.ref('groups.full_path')))
    .where(isCurrent('members', now))
    .unionAll(
      eb
        .selectFrom('project_members')
        .innerJoin('projects', 'projects.id', 'project_members.project_id')
        .select([
          'projects.full_path',
          'project_members.user_id',
          'project_members.access_level',
          'project_members.expires_at',
          'project_members.created_at',
        ])
        .where((where) => isThere(where.ref('projects.full_path')))
        .where(isCurrent('project_members', now)),
    );
}
