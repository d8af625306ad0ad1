/** What can be searched for a part of its text, and what the index of texts has of it on SQLite. */
import type { Tables } from './tables.ts';

export type SearchedTable = 'cacheEntries' | 'tags' | 'repositories' | 'projects' | 'groups' | 'users';

interface Searched {
  readonly table: string;
  /** The column that says what a row is of, where lists are of one. */
  readonly scope?: string;
  /** What makes the text; a line each. */
  readonly texts: readonly ((row: string) => string)[];
  /** The columns of the text that can change. */
  readonly changing?: string;
}

const searched: Readonly<Record<SearchedTable, Searched>> = {
  cacheEntries: { table: 'cache_entries', scope: 'upstream_id', texts: [relativePathOf] },
  tags: { table: 'tags', scope: 'repository_id', texts: [(row) => `${row}name`] },
  repositories: { table: 'repositories', texts: [(row) => `${row}name`], changing: 'name' },
  projects: {
    table: 'projects',
    texts: [(row) => `${row}name`, (row) => `${row}full_path`],
    changing: 'name, full_path',
  },
  groups: {
    table: 'groups',
    texts: [(row) => `${row}name`, (row) => `${row}full_path`],
    changing: 'name, full_path',
  },
  users: {
    table: 'users',
    texts: [(row) => `${row}username`, (row) => `${row}name`],
    changing: 'username, name',
  },
};

/** Numbers are written with three of these characters, which are no letters and in no text: that is one run. */
const [firstDigit, base] = [0xe000, 6400];

/** The run of characters that all texts of a scope begin with. */
export function searchScope(id: number): string {
  return String.fromCharCode(
    ...[base * base, base, 1].map((place) => firstDigit + (Math.floor(id / place) % base)),
  );
}

/** As {@link searchScope}, as SQL. */
function scopeText(column: string): string {
  const digits = [base * base, base, 1].map((place) => `${firstDigit} + ${column} / ${place} % ${base}`);
  return `char(${digits.join(', ')})`;
}

export function searchTable(table: SearchedTable): string {
  return `${searched[table].table}_search`;
}

/** What a cache entry is called in lists, as SQL. @param row what its columns are called after: empty, or ends in a dot */
export function relativePathOf(row: string): string {
  return `'/' || ${row}repository || case ${row}kind when 'blob' then '/blobs/' when 'referrers' then '/referrers/' else '/manifests/' end || ${row}reference`;
}

/** The indexes of texts and the triggers that keep them. PostgreSQL has others: see trigrams.ts. */
export async function createSearches(tables: Tables): Promise<void> {
  for (const { table, scope, texts, changing } of Object.values(searched)) {
    const text = (row: string) =>
      [
        ...(scope === undefined ? [] : [scopeText(`${row}${scope}`)]),
        texts.map((each) => each(row)).join(' || char(10) || '),
      ].join(' || ');
    const add = `insert into ${table}_search (rowid, text) values (new.id, ${text('new.')});`;
    const remove = `delete from ${table}_search where rowid = old.id;`;
    for (const statement of [
      `create virtual table ${table}_search using fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram', detail = none)`,
      `insert into ${table}_search (rowid, text) select id, ${text('')} from ${table} order by id`,
      `create trigger ${table}_search_added after insert on ${table} begin ${add} end`,
      `create trigger ${table}_search_removed after delete on ${table} begin ${remove} end`,
    ])
      await tables.run(statement);
    if (changing !== undefined)
      await tables.run(
        `create trigger ${table}_search_changed after update of ${changing} on ${table} begin ${remove} ${add} end`,
      );
  }
}

/** The texts that are searched, each as SQL with the table that it is of. */
export const searchedTexts: readonly { readonly table: string; readonly text: string }[] = Object.values(
  searched,
).flatMap(({ table, texts }) => texts.map((each) => ({ table, text: each('') })));
