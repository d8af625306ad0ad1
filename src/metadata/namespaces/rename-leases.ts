/** Paths of repositories that renames have taken for a while: announced, or over. */
import type { Kysely } from 'kysely';
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

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** The lease of the path, or of one above it. */
  find(projectId: number, path: string): Promise<RenameLease | undefined> {
    return this.#db
      .selectFrom('renameLeases')
      .selectAll()
      .where('projectId', '=', projectId)
      .where('path', 'in', pathsUpTo(path))
      .where('expiresAt', '>', this.#now())
      .orderBy('path')
      .limit(1)
      .executeTakeFirst();
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
