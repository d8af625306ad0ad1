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

  /** Another one as soon as anything else may be read, whoever changed it; undefined where nobody says so for less than a look costs. */
  version(): number | undefined;
}

/** What one statement found that is asked over and over. */
const maxRemembered = 1000;

interface Statement {
  readonly compiled: CompiledQuery;
  /** The names of the values among its parameters. */
  readonly names: ReadonlyMap<unknown, string>;
}

export class PreparedReads {
  readonly #db: Kysely<Tables>;
  readonly #direct: DirectReads | undefined;
  /** By their names, for transactions, too. */
  readonly #statements: Map<string, Statement>;

  /** @param direct for what is not in a transaction */
  constructor(
    db: Kysely<Tables>,
    direct: DirectReads | undefined,
    statements = new Map<string, Statement>(),
  ) {
    this.#db = db;
    this.#direct = direct;
    this.#statements = statements;
  }

  /** The same in a transaction. */
  within(tx: Kysely<Tables>): PreparedReads {
    return new PreparedReads(tx, undefined, this.#statements);
  }

  /**
   * @param name its own: for PostgreSQL, and for those who look into it
   * @param build is called at most once. It names its columns: `select *` would not survive that a newer version adds one
   */
  prepare<V extends Values, Found>(
    name: string,
    build: Build<V, Found>,
  ): (values: V) => Promise<readonly Found[]> {
    let fields: readonly Field[] | undefined;
    return async (values) => {
      const { compiled, names } = this.#statements.get(name) ?? this.#compile(name, build);
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

  /** As {@link prepare}, for what is asked over and over: what was found is given again until anything changes. */
  prepareOften<V extends Values, Found>(
    name: string,
    build: Build<V, Found>,
  ): (values: V) => Promise<readonly Found[]> {
    const find = this.prepare(name, build);
    let found = new Map<string, readonly Found[]>();
    let foundAt: number | undefined;
    return async (values) => {
      const version = this.#direct?.version();
      if (version === undefined) return find(values);
      if (version !== foundAt) [found, foundAt] = [new Map(), version];
      const key = Object.values(values).join(' ');
      const known = found.get(key);
      if (known) return known;
      const rows = await find(values);
      // It is as new as that version at least. Where a newer one was seen meanwhile, it may be older than that.
      if (foundAt === version && found.size < maxRemembered) found.set(key, rows);
      return rows;
    };
  }

  #compile<V extends Values, Found>(name: string, build: Build<V, Found>): Statement {
    const statement = compile(build);
    this.#statements.set(name, statement);
    return statement;
  }
}

/** Of a query, with places for its values. */
type Build<V extends Values, Found> = (value: <N extends keyof V & string>(name: N) => Expression<V[N]>) => {
  compile(): CompiledQuery<Found>;
};

function compile<V extends Values, Found>(build: Build<V, Found>): Statement {
  const names = new Map<unknown, string>();
  const compiled = build(<N extends keyof V & string>(name: N) => {
    const placeholder = Symbol(name);
    names.set(placeholder, name);
    return sql<V[N]>`${placeholder}`;
  }).compile();
  return { compiled, names };
}
