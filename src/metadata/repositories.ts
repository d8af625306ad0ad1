/** Repositories that were pushed to. */
import type { Kysely, Selectable } from 'kysely';
import type { PageRequest } from '../oci/repository.ts';
import { projectsOfMember } from './memberships.ts';
import type { Tables } from './schema.ts';
import { MissingOwner } from './violations.ts';

export interface RepositoryRecord {
  readonly id: number;
  readonly projectId: number;
  readonly name: string;
  readonly createdAt: number;
  /** When a manifest or a tag of it changed last. */
  readonly updatedAt: number;
}

export class Repositories {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  async findByName(name: string): Promise<RepositoryRecord | undefined> {
    const query = this.#db.selectFrom('repositories').selectAll().where('name', '=', name);
    const row = await query.executeTakeFirst();
    return row && fromRow(row);
  }

  /** The repository of this name, made where absent, by whoever comes first. @throws MissingOwner when the project is gone */
  async ensure(projectId: number, name: string): Promise<RepositoryRecord> {
    const known = await this.findByName(name);
    if (known) return known;
    const now = this.#now();
    const row = await this.#db
      .insertInto('repositories')
      .values({ project_id: projectId, name, created_at: now, updated_at: now })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returningAll()
      .executeTakeFirst();
    const repository = row ? fromRow(row) : await this.findByName(name);
    if (!repository) throw new MissingOwner(undefined);
    return repository;
  }

  /**
   * Makes other transactions that hold the same repository wait for this one's end: its manifests and tags change one after
   * another. Once in a transaction, before its changes: they are noted as of now. False when there is no such repository.
   */
  async hold(id: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('repositories')
      .set({ updated_at: this.#now() })
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /**
   * Names of repositories that have a manifest, in byte order.
   * @param visibleTo only those of internal and public projects, and of projects where the user has at least this role; undefined: all
   */
  async listNames(
    visibleTo: { readonly userId: number; readonly leastLevel: number } | undefined,
    { after, limit }: PageRequest,
  ): Promise<{ readonly names: string[]; readonly hasMore: boolean }> {
    let query = this.#db
      .selectFrom('repositories')
      .select('repositories.name')
      .where('repositories.name', '>', after)
      .where((eb) =>
        eb.exists(
          eb
            .selectFrom('repository_manifests')
            .select('digest')
            .whereRef('repository_manifests.repository_id', '=', 'repositories.id'),
        ),
      );
    if (visibleTo) {
      const member = { ...visibleTo, now: this.#now() };
      query = query
        .innerJoin('projects', 'projects.id', 'repositories.project_id')
        .where((eb) =>
          eb.or([
            eb('projects.visibility', '<>', 'private'),
            eb('projects.id', 'in', projectsOfMember(member)),
          ]),
        );
    }
    const rows = await query
      .orderBy('repositories.name')
      .limit(limit + 1)
      .execute();
    return { names: rows.slice(0, limit).map((row) => row.name), hasMore: rows.length > limit };
  }
}

function fromRow(row: Selectable<Tables['repositories']>): RepositoryRecord {
  return {
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
