/** What tables are written with: the types of SQLite and of PostgreSQL, and what columns have in common. */
import {
  type ColumnDefinitionBuilder,
  type CreateTableBuilder,
  type Expression,
  type ForeignKeyConstraintBuilder,
  type Kysely,
  type RawBuilder,
  sql,
} from 'kysely';

/** In what the tables of SQLite and of PostgreSQL differ. */
export interface ColumnTypes {
  /** The dialect that triggers are written in. */
  readonly dialect: 'sqlite' | 'postgres';
  /** Integers are below 2^53. */
  readonly integer: 'integer' | 'bigint';
  /** Texts are compared byte by byte. */
  readonly text: 'text' | RawBuilder<unknown>;
  readonly bytes: 'blob' | 'bytea';
  /** An integer primary key that is never given twice. */
  id(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder;
  /** What follows the column list. */
  readonly tableEnd: Expression<unknown>;
}

export const sqliteTypes: ColumnTypes = {
  dialect: 'sqlite',
  integer: 'integer',
  text: 'text',
  bytes: 'blob',
  id: (column) => column.primaryKey().autoIncrement(),
  tableEnd: sql`strict`,
};

export const postgresTypes: ColumnTypes = {
  dialect: 'postgres',
  integer: 'bigint',
  text: sql`text collate "C"`,
  bytes: 'bytea',
  id: (column) => column.primaryKey().generatedAlwaysAsIdentity(),
  tableEnd: sql``,
};

/** Makes tables and their indexes. */
export class Tables {
  readonly types: ColumnTypes;
  readonly #db: Kysely<unknown>;

  constructor(db: Kysely<unknown>, types: ColumnTypes) {
    this.#db = db;
    this.types = types;
  }

  table(name: string): CreateTableBuilder<string, never> {
    return this.#db.schema.createTable(name).modifyEnd(this.types.tableEnd);
  }

  /** @param name where it is not called after its columns */
  index(table: string, columns: readonly string[], name = nameOf(table, columns)) {
    return this.#db.schema
      .createIndex(name)
      .on(table)
      .columns([...columns]);
  }

  /** Of an index that is called after its columns. */
  async dropIndex(table: string, columns: readonly string[]): Promise<void> {
    await this.#db.schema.dropIndex(nameOf(table, columns)).execute();
  }

  /**
   * Adds what rows are ordered by where the column may be empty, which comes before everything then: databases differ in where they put
   * what is empty, and compare it with nothing. @returns its name
   */
  async addOrder(table: string, column: string): Promise<string> {
    const { dialect, integer } = this.types;
    const kind = dialect === 'sqlite' ? 'virtual' : 'stored';
    const name = `${column}_or_zero`;
    await this.run(
      `alter table ${table} add column ${name} ${integer} generated always as (coalesce(${column}, 0)) ${kind}`,
    );
    return name;
  }

  async run(statement: string): Promise<void> {
    await sql.raw(statement).execute(this.#db);
  }
}

function nameOf(table: string, columns: readonly string[]): string {
  return `${table}_by_${columns.join('_')}`;
}

export function required(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull();
}

export function primaryKey(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.primaryKey().notNull();
}

/** A number that begins with zero. */
export function counted(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull().defaultTo(0);
}

/** A column whose row goes when the row that it names goes. */
export function owner(target: string) {
  return (column: ColumnDefinitionBuilder) => column.notNull().references(target).onDelete('cascade');
}

/** As {@link owner}, for a column that may be empty. */
export function ownerIfAny(target: string) {
  return (column: ColumnDefinitionBuilder) => column.references(target).onDelete('cascade');
}

/** A column that keeps the row that it names from being removed. */
export function kept(target: string) {
  return (column: ColumnDefinitionBuilder) => column.notNull().references(target);
}

/** As {@link owner}, for a foreign key of several columns. */
export function withOwner(constraint: ForeignKeyConstraintBuilder): ForeignKeyConstraintBuilder {
  return constraint.onDelete('cascade');
}

/** The columns that name a link: of a blob, or of a manifest, with its repository. */
export const linkKey: ('repository_id' | 'digest')[] = ['repository_id', 'digest'];
