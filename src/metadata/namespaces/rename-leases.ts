/** Paths of repositories that renames have taken for a while: announced, or over. */
import type { Kysely } from 'kysely';
import type { Tables } from '../db/tables.ts';
import { pathsUpTo } from './below.ts';

export interface RenameLease {
  /** Of a repository or a project, with all below it. */
  readonly path: string;
  /** Which repositories of this path belong to: of what another project has at the path later, the lease does not speak. */
  readonly projectId: number;
  /** As of Writer.key. */
  readonly holder: string;
  /** announced: it will be renamed by its holder; over: it was. */
  readonly state: 'announced' | 'over';
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export class RenameLeases {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Of the path or one above it. */
  async find(projectId: number, path: string): Promise<RenameLease | undefined> {
    const row = await this.#db
      .selectFrom('renameLeases')
      .selectAll()
      .where('projectId', '=', projectId)
      .where('path', 'in', pathsUpTo(path))
      .where('expiresAt', '>', this.#now())
      .orderBy('path')
      .limit(1)
      .executeTakeFirst();
    return (
      row && {
        path: row.path,
        projectId: row.projectId,
        holder: row.holder,
        state: row.state,
        expiresAt: row.expiresAt,
      }
    );
  }

  /** In the place of what there was of the path, and of whatever has expired. @throws MissingOwner when the project is gone */
  async put({ path, projectId, holder, state, expiresAt }: RenameLease): Promise<void> {
    await this.#db.deleteFrom('renameLeases').where('expiresAt', '<=', this.#now()).execute();
    await this.#db
      .insertInto('renameLeases')
      .values({ path, projectId: projectId, holder, state, expiresAt: expiresAt })
      .onConflict((conflict) =>
        conflict.columns(['path', 'projectId']).doUpdateSet({ holder, state, expiresAt: expiresAt }),
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
