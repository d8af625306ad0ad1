/** Paths of repositories that renames have taken for a while: announced, or over. */
import { type Kysely, type SqlBool, sql } from 'kysely';
import type { PreparedReads } from '../db/prepared.ts';
import type { Tables } from '../db/tables.ts';
import { pathsUpTo } from './below.ts';

/** primary key (path, project_id); index on project_id */
export interface RenameLeaseTable {
  /** The path of a repository or a project; the lease is of all below it, too. */
  path: string;
  /** The project whose repositories are meant: the lease says nothing of what another project has at the path later. */
  projectId: number;
  /** Whose lease it is, as Writer.key says. */
  holder: string;
  /** announced: it will be renamed by its holder; over: it was. */
  state: 'announced' | 'over';
  /** Epoch milliseconds. */
  expiresAt: number;
}

export type RenameLease = Readonly<RenameLeaseTable>;

export class RenameLeases {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;
  readonly #reads: PreparedReads;

  constructor(db: Kysely<Tables>, now: () => number, reads: PreparedReads) {
    this.#db = db;
    this.#now = now;
    this.#reads = reads;
  }

  /** The lease of the path, or of one above it. */
  async find(projectId: number, path: string): Promise<RenameLease | undefined> {
    const paths = Object.fromEntries(pathsUpTo(path).map((each, index) => [`path${index}`, each]));
    const names = Object.keys(paths);
    const find = this.#reads.prepare<Readonly<Record<string, string | number>>, RenameLease>(
      `rename lease of ${names.length} segments`,
      (value) =>
        this.#db
          .selectFrom('renameLeases')
          .select(['path', 'projectId', 'holder', 'state', 'expiresAt'])
          .where(sql<SqlBool>`project_id = ${value('projectId')}`)
          .where(sql<SqlBool>`path in (${sql.join(names.map((name) => value(name)))})`)
          .where(sql<SqlBool>`expires_at > ${value('now')}`)
          .orderBy('path')
          .limit(1),
    );
    return (await find({ ...paths, projectId, now: this.#now() }))[0];
  }

  /** Takes the place of what there was of the path, and removes whatever has expired. @throws MissingOwner when the project is gone */
  async put(lease: RenameLease): Promise<void> {
    const { holder, state, expiresAt } = lease;
    await this.#db.deleteFrom('renameLeases').where('expiresAt', '<=', this.#now()).execute();
    await this.#db
      .insertInto('renameLeases')
      .values(lease)
      .onConflict((conflict) =>
        conflict.columns(['path', 'projectId']).doUpdateSet({ holder, state, expiresAt }),
      )
      .execute();
  }

  async remove(projectId: number, path: string): Promise<void> {
    await this.#db
      .deleteFrom('renameLeases')
      .where('projectId', '=', projectId)
      .where('path', '=', path)
      .execute();
  }
}
