/** A group or a project: where members, deploy tokens and bots belong. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';

export interface Place {
  readonly kind: 'group' | 'project';
  readonly id: number;
  readonly fullPath: string;
}

/** As records and the details of audit events name it. */
export type PlaceKey =
  | { readonly groupId: number; readonly projectId?: undefined }
  | { readonly projectId: number; readonly groupId?: undefined };

/** In a query on a table whose rows belong to one of either: those of this one. */
export function isOf(
  { groupId, projectId }: PlaceKey,
  table: 'members' | 'roles' | 'deployTokens',
): RawBuilder<SqlBool> {
  return groupId === undefined
    ? sql<SqlBool>`${sql.ref(`${table}.projectId`)} = ${projectId}`
    : sql<SqlBool>`${sql.ref(`${table}.groupId`)} = ${groupId}`;
}
