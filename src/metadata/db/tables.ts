/**
 * The tables as the code sees them; each stands beside the class that reads and writes it. Instants are epoch milliseconds. What is
 * written here in camelCase is snake_case in the database, booleans are 0 or 1 there, and lists and objects JSON.
 */
import type { ColumnType, Selectable } from 'kysely';
import type { OidcIdentityTable } from '../people/oidc-identities.ts';
import type { SessionTable } from '../people/sessions.ts';
import type { Tables as RawTables } from './schema.ts';

/** What may be absent: read as undefined, and written as undefined or null, which in a change clears it. */
export type Optional<T> = ColumnType<T | undefined, T | null | undefined, T | null | undefined>;

/** What is read of a table. */
export type RecordOf<Table> = Readonly<Selectable<Table>>;

interface RecordTables {
  oidcIdentities: OidcIdentityTable;
  sessions: SessionTable;
}

export interface Tables extends RecordTables, Omit<CamelCased<RawTables>, keyof RecordTables> {}

type CamelCased<All> = {
  [Table in keyof All as CamelCase<Table>]: {
    [Column in keyof All[Table] as CamelCase<Column>]: null extends All[Table][Column]
      ? Optional<NonNullable<All[Table][Column]>>
      : All[Table][Column];
  };
};

type CamelCase<Name> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;
