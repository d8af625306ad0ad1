/** What is shown of whoever has a role, in a group or in a project. */
import type { Selectable } from 'kysely';
import type { Tables } from '../db/schema.ts';

/** A role, wherever it was given. */
export interface Role {
  readonly userId: number;
  /** 10 Guest, 15 Planner, 20 Reporter, 30 Developer, 40 Maintainer, 50 Owner */
  readonly accessLevel: number;
  /** Epoch milliseconds; a role whose time is over is still a record. */
  readonly expiresAt: number | undefined;
  readonly createdAt: number;
}

/** A role with what is shown of the user. */
export interface ListedMember extends Role {
  readonly username: string;
  readonly name: string;
  readonly state: 'active' | 'blocked';
}

/** What is undefined stays as it is, null clears. */
export interface RoleChanges {
  readonly accessLevel: number;
  readonly expiresAt?: number | null | undefined;
}

export type RoleRow = Pick<
  Selectable<Tables['members']>,
  'user_id' | 'access_level' | 'expires_at' | 'created_at'
>;

export function roleFromRow(row: RoleRow): Role {
  return {
    userId: row.user_id,
    accessLevel: row.access_level,
    expiresAt: row.expires_at ?? undefined,
    createdAt: row.created_at,
  };
}

export function listedFromRow(
  row: RoleRow & Pick<Selectable<Tables['users']>, 'username' | 'name' | 'state'>,
): ListedMember {
  return { ...roleFromRow(row), username: row.username, name: row.name, state: row.state };
}
