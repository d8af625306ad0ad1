/** Repositories that were pushed to. */
import type { Kysely, Selectable } from 'kysely';
import type { PageRequest } from '../oci/repository.ts';
import { below } from './below.ts';
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

/** Who may know which repositories there are. */
export interface Viewer {
  /** Undefined: nobody in particular, who has no roles. */
  readonly userId: number | undefined;
  /** The role that shows what is in a project, as of {@link Member.accessLevel}. */
  readonly leastLevel: number;
  /** To whom internal projects are as private ones; where left out, they are as public ones. */
  readonly isOutsider?: boolean | undefined;
  /** A project that is open to them without a role, or a group with all that is below it. */
  readonly place?:
    | { readonly kind: 'group' | 'project'; readonly id: number; readonly fullPath: string }
    | undefined;
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

  /** The repository of this name, made where absent, by whoever comes first. @throws MissingOwner when the project is gone, or elsewhere */
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
    if (!repository || (row && !(await this.#isInside(projectId, name)))) throw new MissingOwner(undefined);
    return repository;
  }

  /** Asked after the insert, which waits for a transfer of the project to end. */
  async #isInside(projectId: number, name: string): Promise<boolean> {
    const query = this.#db.selectFrom('projects').select('full_path').where('id', '=', projectId);
    const project = await query.executeTakeFirst();
    return project !== undefined && `${name}/`.startsWith(`${project.full_path}/`);
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
   * Names of repositories that have a manifest, in byte order, without those of projects whose registry is disabled.
   * @param visibleTo only those of internal and public projects whose registry is not private, and of projects where the user has at
   *   least this role, or that are their place; undefined: all
   */
  async listNames(
    visibleTo: Viewer | undefined,
    { after, limit }: PageRequest,
  ): Promise<{ readonly names: string[]; readonly hasMore: boolean }> {
    let query = this.#db
      .selectFrom('repositories')
      .innerJoin('projects', 'projects.id', 'repositories.project_id')
      .select('repositories.name')
      .where('projects.container_registry_access_level', '<>', 'disabled')
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
      const { userId, leastLevel, isOutsider, place } = visibleTo;
      const closed = isOutsider ? (['private', 'internal'] as const) : (['private'] as const);
      query = query.where((eb) => {
        const open = eb.and([
          eb('projects.visibility', 'not in', closed),
          eb('projects.container_registry_access_level', '=', 'enabled'),
        ]);
        const member = userId === undefined ? undefined : { userId, leastLevel, now: this.#now() };
        return eb.or([
          open,
          ...(member ? [eb('projects.id', 'in', projectsOfMember(member))] : []),
          ...(place?.kind === 'project' ? [eb('projects.id', '=', place.id)] : []),
          ...(place?.kind === 'group' ? [below(eb.ref('projects.full_path'), place.fullPath)] : []),
        ]);
      });
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
