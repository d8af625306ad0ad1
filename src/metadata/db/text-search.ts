/**
 * Rows whose texts contain a part, found by the runs of three characters in it. PostgreSQL does that by itself where it may have
 * pg_trgm; on SQLite there is a table of FTS5 beside each that is searched, kept by triggers. It finds more than is wanted: the queries
 * compare the texts themselves. Parts of one or two characters are looked for row by row.
 */
import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
import { type SearchedTable, searchScope, searchTable } from '../migrations/searched.ts';
import type { Tables } from './tables.ts';

export interface TextSearch {
  /**
   * The rows of the table among which those with the part are.
   * @param scope where the table has one: of which upstream or repository they are
   */
  from<T extends SearchedTable>(
    table: T,
    part: string | undefined,
    scope?: number,
  ): Promise<RawBuilder<Selectable<Tables[T]>>>;
}

/** The condition alone: what it goes by is for the database to choose. */
export const searchByCondition: TextSearch = {
  from: async (table) => sql.table(table),
};

const runLength = 3;
/** A long part is found by these. */
const maxRuns = 16;
/** How frequent a run is, is seen by where its row of this number is, the newest first. */
const sampled = 1000;

interface Sample {
  /** Undefined: there are not so many. */
  readonly position: number | undefined;
  readonly newest: number;
}

export class SqliteTextSearch implements TextSearch {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async from<T extends SearchedTable>(
    table: T,
    part = '',
    scope?: number,
  ): Promise<RawBuilder<Selectable<Tables[T]>>> {
    const runs = runsOf(part);
    if (runs.length === 0) return sql.table(table);
    if (scope !== undefined) runs.push(searchScope(scope));
    const [found, index] = [sql.ref('found'), sql.ref(searchTable(table))];
    const rare = await this.#rarest(index, runs.map(quoted));
    // Joined across, the index comes first, and its rows in their order.
    return sql`(
      select found.rowid as id, searched.*
      from ${index} as ${found} cross join ${sql.table(table)} as searched on searched.id = found.rowid
      where found.${index} match ${rare.join(' AND ')}
    )`;
  }

  async #rarest(index: RawBuilder<unknown>, terms: readonly string[]): Promise<readonly string[]> {
    const positions = terms.map(
      (term) => sql`select (
        select rowid from ${index} where ${index} match ${term} order by rowid desc limit 1 offset ${sampled}
      ) as position, (select max(rowid) from ${index}) as newest`,
    );
    const { rows } = await sql<Sample>`${sql.join(positions, sql` union all `)}`.execute(this.#db);
    const rare = terms.filter((_, index) => !isFrequent(rows[index]));
    return rare.length > 0 ? rare : terms.slice(0, 1);
  }
}

/** Where so many rows have it, going through them costs more than they leave out. */
function isFrequent(sample: Sample | undefined): boolean {
  return sample?.position !== undefined && sample.newest - sample.position < 2 * sampled;
}

function runsOf(part: string): string[] {
  const characters = [...part];
  const runs = new Set<string>();
  for (let end = runLength; end <= characters.length && runs.size < maxRuns; end++)
    runs.add(characters.slice(end - runLength, end).join(''));
  return [...runs];
}

/** Whether a part has no run of characters to be found by. */
export function isShort(part: string): boolean {
  return runsOf(part).length === 0;
}

function quoted(term: string): string {
  return `"${term.replaceAll('"', '""')}"`;
}
