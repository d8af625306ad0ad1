/** Conditions and order by the sources that a pull may use, of which there are few. */
import type { ExpressionBuilder, Kysely } from 'kysely';
import type { RepositoryName } from '../../oci/reference.ts';
import type { PreparedReads } from '../db/prepared.ts';
import type { Tables } from '../db/tables.ts';
import { type CacheEntry, type EntryKind, type EntrySource, entryColumns } from './cache-entry.ts';

export function atAny(eb: ExpressionBuilder<Tables, 'cacheEntries'>, sources: readonly EntrySource[]) {
  return eb.or(
    sources.map(({ upstreamId, repository }) =>
      eb.and([
        eb('cacheEntries.upstreamId', '=', upstreamId),
        eb('cacheEntries.repository', '=', repository),
      ]),
    ),
  );
}

export function inOrderOf(sources: readonly EntrySource[], entries: readonly CacheEntry[]): CacheEntry[] {
  return sources.flatMap((source) =>
    entries.filter(
      (entry) => entry.upstreamId === source.upstreamId && entry.repository === source.repository,
    ),
  );
}

type ValuesAt = { readonly kind: EntryKind; readonly reference: string } & Record<
  `upstream${number}`,
  number
> &
  Record<`repository${number}`, RepositoryName>;

/** Entries at the sources of one name, which every warm pull asks for. */
export class EntriesAt {
  readonly #db: Kysely<Tables>;
  readonly #reads: PreparedReads;
  /** Statements by their number of sources, of which a name has few. */
  readonly #statements = new Map<number, (values: ValuesAt) => Promise<readonly CacheEntry[]>>();

  constructor(db: Kysely<Tables>, reads: PreparedReads) {
    this.#db = db;
    this.#reads = reads;
  }

  /** In the order of `sources`. */
  async list(sources: readonly EntrySource[], kind: EntryKind, reference: string): Promise<CacheEntry[]> {
    if (sources.length === 0) return [];
    const values: ValuesAt = { kind, reference };
    for (const [index, { upstreamId, repository }] of sources.entries()) {
      values[`upstream${index}`] = upstreamId;
      values[`repository${index}`] = repository;
    }
    return inOrderOf(sources, await this.#statementFor(sources.length)(values));
  }

  #statementFor(sources: number): (values: ValuesAt) => Promise<readonly CacheEntry[]> {
    const known = this.#statements.get(sources);
    if (known) return known;
    const statement = this.#reads.prepare<ValuesAt, CacheEntry>(`entries at ${sources}`, (value) =>
      this.#db
        .selectFrom('cacheEntries')
        .select(entryColumns)
        .where('kind', '=', value('kind'))
        .where('reference', '=', value('reference'))
        .where((eb) =>
          eb.or(
            Array.from({ length: sources }, (_, index) =>
              eb.and([
                eb('upstreamId', '=', value(`upstream${index}`)),
                eb('repository', '=', value(`repository${index}`)),
              ]),
            ),
          ),
        ),
    );
    this.#statements.set(sources, statement);
    return statement;
  }
}
