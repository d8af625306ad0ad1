/** What the database refused, the same from SQLite and PostgreSQL. */
import type { DatabaseConnection } from 'kysely';
import type { UnavailableError } from '../../oci/unavailable.ts';

/** Named table_columns in the migrations, because SQLite tells only table and columns. */
export const uniqueConstraints = [
  'groups_full_path',
  'groups_user_id',
  'users_username',
  'members_group_id_user_id',
  'access_tokens_token_hash',
  'signing_keys_kid',
  'virtual_registries_group_id_name',
  'registry_upstreams_registry_id_upstream_id',
  'projects_full_path',
  'repositories_name',
  'members_project_id_user_id',
  'deploy_tokens_token_hash',
  'job_tokens_token_hash',
  'oidc_identities_issuer_subject',
  'sessions_id_hash',
  'cache_retention_policies_group_id',
] as const;

export type UniqueConstraint = (typeof uniqueConstraints)[number];

/** There is such a record already. */
export class UniqueViolation extends Error {
  override readonly name = 'UniqueViolation';
  readonly constraint: UniqueConstraint;

  constructor(constraint: UniqueConstraint, cause: unknown) {
    super(`there is a record with the same values of ${constraint}`, { cause });
    this.constraint = constraint;
  }
}

/** A record that this one belongs to does not exist, or not any more. */
export class MissingOwner extends Error {
  override readonly name: string = 'MissingOwner';

  constructor(cause: unknown) {
    super('a record that this one belongs to does not exist', { cause });
  }
}

/** The content that was to be linked has no record, or not any more: who has the bytes at hand can record them anew. */
export class MissingContent extends MissingOwner {
  override readonly name = 'MissingContent';

  constructor() {
    super(undefined);
  }
}

/**
 * Makes a new connection throw violations, and what its database cannot do at the moment, instead of its driver's errors.
 * @param unavailabilityOf of the driver
 */
export function throwOwnErrors(
  connection: DatabaseConnection,
  unavailabilityOf: (error: unknown) => UnavailableError | undefined,
): void {
  const execute = connection.executeQuery.bind(connection);
  connection.executeQuery = async (query, options) => {
    try {
      return await execute(query, options);
    } catch (error) {
      throw violationOf(error) ?? unavailabilityOf(error) ?? error;
    }
  };
}

const sqliteForeignKey = 787;
const postgresForeignKey = '23503';
const postgresUnique = '23505';

function violationOf(error: unknown): UniqueViolation | MissingOwner | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'errcode' in error ? error.errcode : 'code' in error ? error.code : undefined;
  if (code === sqliteForeignKey || code === postgresForeignKey) return new MissingOwner(error);
  const name =
    code === postgresUnique && 'constraint' in error ? error.constraint : sqliteConstraint(error.message);
  const constraint = uniqueConstraints.find((each) => each === name);
  return constraint && new UniqueViolation(constraint, error);
}

/** The name is made from 'UNIQUE constraint failed: members.group_id, members.user_id'. */
function sqliteConstraint(message: string): string | undefined {
  const columns = /^UNIQUE constraint failed: (.+)$/.exec(message)?.[1]?.split(', ');
  const table = columns?.[0]?.split('.')[0];
  return columns && [table, ...columns.map((column) => column.split('.')[1])].join('_');
}
