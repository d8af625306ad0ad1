/** Which signatures images need, and what was found to be signed. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, ownerIfAny, required, Tables } from './tables.ts';

export function signatures(types: ColumnTypes): Migration {
  const { integer, text, id } = types;
  return {
    async up(db: Kysely<unknown>) {
      const tables = new Tables(db, types);
      await tables
        .table('signature_policies')
        .addColumn('id', integer, id)
        .addColumn('registry_id', integer, ownerIfAny('virtual_registries.id'))
        .addColumn('project_id', integer, ownerIfAny('projects.id'))
        .addColumn('mode', text, required)
        .addColumn('trust', text, required)
        .addColumn('fingerprint', text, required)
        .addColumn('updated_at', integer, required)
        .addUniqueConstraint('signature_policies_registry_id', ['registry_id'])
        .addUniqueConstraint('signature_policies_project_id', ['project_id'])
        .execute();
      await tables
        .table('signed_digests')
        .addColumn('fingerprint', text, required)
        .addColumn('digest', text, required)
        .addColumn('signer', text, required)
        .addColumn('found_at', text, required)
        .addColumn('covered_by', text)
        .addColumn('verified_at', integer, required)
        .addPrimaryKeyConstraint('signed_digests_key', ['fingerprint', 'digest'])
        .execute();
    },
  };
}
