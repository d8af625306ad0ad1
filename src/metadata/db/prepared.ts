/**
 * Reads of the warm path. They are written with Kysely like all others, but built and compiled once, and outside transactions run past
 * it, which is most of what they cost: on SQLite at once, on PostgreSQL as prepared statements of each connection.
 */
import { type CompiledQuery, type Expression, type Kysely, sql } from 'kysely';
import { type Field, fieldsOf, type Row, recordOf } from './record-rows.ts';
import type { Tables } from './tables.ts';

type Values = Readonly<Record<string, string | number>>;

/** What reads past Kysely. */
export interface DirectReads {
  /**
   * Rows as the database has them; undefined where they are not to be had so at the moment.
   * @param name the statement's alone
   */
  read(
    name: string,
    statement: string,
    parameters: readonly unknown[],
  ): readonly Row[] | undefined | Promise<readonly Row[] | undefined>;
}

interface Statement<Found> {
  readonly compiled: CompiledQuery<Found>;
  /** The names of the values among its parameters. */
  readonly names: ReadonlyMap<unknown, string>;
}

export class PreparedReads {
  readonly #db: Kysely<Tables>;
  readonly #direct: DirectReads | undefined;

  /** @param direct for what is not in a transaction */
  constructor(db: Kysely<Tables>, direct: DirectReads | undefined) {
    this.#db = db;
    this.#direct = direct;
  }

  /**
   * @param name its own: for PostgreSQL, and for those who look into it
   * @param build is called at most once. It names its columns: `select *` would not survive that a newer version adds one
   */
  prepare<V extends Values, Found>(
    name: string,
    build: (value: <N extends keyof V & string>(name: N) => Expression<V[N]>) => {
      compile(): CompiledQuery<Found>;
    },
  ): (values: V) => Promise<readonly Found[]> {
    let statement: Statement<Found> | undefined;
    let fields: readonly Field[] | undefined;
    return async (values) => {
      statement ??= compile(build);
      const { compiled, names } = statement;
      const parameters = compiled.parameters.map((parameter) => {
        const named = names.get(parameter);
        return named === undefined ? parameter : values[named];
      });
      const rows = await this.#direct?.read(name, compiled.sql, parameters);
      if (!rows) return (await this.#db.executeQuery<Found>({ ...compiled, parameters })).rows;
      if (rows.length === 0) return [];
      fields ??= fieldsOf(rows);
      const known = fields;
      // A statement gives what it selects.
      return rows.map((row) => recordOf(row, known) as Found);
    };
  }
}

function compile<V extends Values, Found>(
  build: (value: <N extends keyof V & string>(name: N) => Expression<V[N]>) => {
    compile(): CompiledQuery<Found>;
  },
): Statement<Found> {
  const names = new Map<unknown, string>();
  const compiled = build(<N extends keyof V & string>(name: N) => {
    const placeholder = Symbol(name);
    names.set(placeholder, name);
    return sql<V[N]>`${placeholder}`;
  }).compile();
  return { compiled, names };
}
