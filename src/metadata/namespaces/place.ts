/** A group or a project: where members, deploy tokens and bots belong. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';

export interface Place {
  readonly kind: 'group' | 'project';
  readonly id: number;
  readonly fullPath: string;
}

/** A place as records and the details of audit events name it. */
export type PlaceKey =
  | { readonly groupId: number; readonly projectId?: undefined }
  | { readonly projectId: number; readonly groupId?: undefined };

/** Selects the rows of this place, in a query on a table whose rows belong to a group or to a project. */
export function isOf(
  { groupId, projectId }: PlaceKey,
  table: 'members' | 'roles' | 'deployTokens',
): RawBuilder<SqlBool> {
  return groupId === undefined
    ? sql<SqlBool>`${sql.ref(`${table}.projectId`)} = ${projectId}`
    : sql<SqlBool>`${sql.ref(`${table}.groupId`)} = ${groupId}`;
}
