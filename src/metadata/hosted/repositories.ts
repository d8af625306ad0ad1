/** Repositories that were pushed to. */
import type { Generated, Kysely } from 'kysely';
import type { PageRequest } from '../../oci/repository.ts';
import type { PreparedReads } from '../db/prepared.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import { MissingOwner } from '../db/violations.ts';
import { below } from '../namespaces/below.ts';
import { RenameLeases } from '../namespaces/rename-leases.ts';
import { isVisibleTo, type Viewer } from '../namespaces/repository-visibility.ts';

/** A repository is made at its first link or manifest. */
export interface RepositoryTable {
  id: Generated<number>;
  projectId: number;
  /** Unique: the project's full path, and up to two segments more. */
  name: string;
  createdAt: number;
  /** When a manifest or a tag of it changed last. */
  updatedAt: number;
  /** How far its deletion has come; undefined: it is not to be deleted. */
  status: Optional<RepositoryStatus>;
  /** How many tries to delete it have failed. */
  deleteFailures: Generated<number>;
  /** When a tag was pushed last. */
  publishedAt: Optional<number>;
  /** When a manifest was pulled last. */
  pulledAt: Optional<number>;
  /** The size of the blobs that its tags reach, as it was at `sizedAt`, which is what `updatedAt` was then. */
  sizeBytes: Optional<number>;
  sizedAt: Optional<number>;
  /** When a cleanup policy began to look at it last. */
  cleanupStartedAt: Optional<number>;
  /** Kept by triggers on tags. */
  tagsCount: Generated<number>;
}

/** GitLab's names. */
export type RepositoryStatus = 'delete_scheduled' | 'delete_ongoing' | 'delete_failed';

export type RepositoryRecord = Omit<
  RecordOf<RepositoryTable>,
  'deleteFailures' | 'sizeBytes' | 'sizedAt' | 'tagsCount'
>;

export const repositoryColumns = [
  'repositories.id',
  'repositories.projectId',
  'repositories.name',
  'repositories.createdAt',
  'repositories.updatedAt',
  'repositories.status',
  'repositories.publishedAt',
  'repositories.pulledAt',
  'repositories.cleanupStartedAt',
] as const;

export type { Viewer };

export class Repositories {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;
  readonly #reads: PreparedReads;
  readonly #named: (values: { readonly name: string }) => Promise<readonly RepositoryRecord[]>;

  constructor(db: Kysely<Tables>, now: () => number, reads: PreparedReads, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
    this.#reads = reads;
    this.#named = reads.prepare<{ name: string }, RepositoryRecord>('repository', (value) =>
      db.selectFrom('repositories').select(repositoryColumns).where('name', '=', value('name')),
    );
  }

  find(id: number): Promise<RepositoryRecord | undefined> {
    const query = this.#db.selectFrom('repositories').select(repositoryColumns).where('id', '=', id);
    return query.executeTakeFirst();
  }

  /** The first repository of the project, by name, that comes after this name. */
  findNext(projectId: number, after: string): Promise<RepositoryRecord | undefined> {
    return this.#db
      .selectFrom('repositories')
      .select(repositoryColumns)
      .where('projectId', '=', projectId)
      .where('name', '>', after)
      .orderBy('name')
      .limit(1)
      .executeTakeFirst();
  }

  /** Ids in ascending order. */
  async listIds(after: number, limit: number): Promise<readonly number[]> {
    const query = this.#reading.selectFrom('repositories').select('id').where('id', '>', after);
    return (await query.orderBy('id').limit(limit).execute()).map(({ id }) => id);
  }

  /** Repositories of this name and of names below it, by name: of a project or a group, all. */
  listNamed(name: string): Promise<readonly RepositoryRecord[]> {
    return this.#reading
      .selectFrom('repositories')
      .select(repositoryColumns)
      .where((eb) => eb.or([eb('name', '=', name), below(eb.ref('name'), name)]))
      .orderBy('name')
      .execute();
  }

  /** Notes that a cleanup policy came to it. @param at epoch milliseconds */
  async noteCleanup(id: number, at: number): Promise<void> {
    await this.#db.updateTable('repositories').set({ cleanupStartedAt: at }).where('id', '=', id).execute();
  }

  async findByName(name: string): Promise<RepositoryRecord | undefined> {
    return (await this.#named({ name }))[0];
  }

  /**
   * The repository of this name, made where absent, by whoever comes first.
   * @throws MissingOwner when the project is gone, or elsewhere, or one of this name was renamed just now
   */
  async ensure(projectId: number, name: string): Promise<RepositoryRecord> {
    const known = await this.findByName(name);
    if (known) return known;
    const now = this.#now();
    const made = await this.#db
      .insertInto('repositories')
      .values({ projectId, name, createdAt: now, updatedAt: now })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returning(repositoryColumns)
      .executeTakeFirst();
    const repository = made ?? (await this.findByName(name));
    if (!repository || (made && !(await this.#isInside(projectId, name)))) throw new MissingOwner(undefined);
    return repository;
  }

  /** This is asked after the insert, which waits for a transfer of the project and for renames in it to end. */
  async #isInside(projectId: number, name: string): Promise<boolean> {
    const query = this.#db.selectFrom('projects').select('fullPath').where('id', '=', projectId);
    const project = await query.executeTakeFirst();
    if (!project || !`${name}/`.startsWith(`${project.fullPath}/`)) return false;
    return (await new RenameLeases(this.#db, this.#now, this.#reads).find(projectId, name))?.state !== 'over';
  }

  /**
   * Makes other transactions that hold the same repository wait for this one's end: its manifests and tags change one after another. It is
   * called once in a transaction, before its changes, which are noted as made now.
   * @param change `publish` where a tag is pushed
   * @returns false when there is no such repository
   */
  async hold(id: number, change?: 'publish'): Promise<boolean> {
    const now = this.#now();
    const { numUpdatedRows } = await this.#db
      .updateTable('repositories')
      .set({ updatedAt: now, ...(change === 'publish' && { publishedAt: now }) })
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** As {@link hold}, where nothing in it changes. */
  async lock(id: number): Promise<boolean> {
    const query = this.#db.selectFrom('repositories').select('id').where('id', '=', id).forNoKeyUpdate();
    return (await query.executeTakeFirst()) !== undefined;
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
    let query = this.#reading
      .selectFrom('repositories')
      .innerJoin('projects', 'projects.id', 'repositories.projectId')
      .select('repositories.name')
      .where('projects.containerRegistryAccessLevel', '<>', 'disabled')
      .where('repositories.name', '>', after)
      .where((eb) =>
        eb.exists(
          eb
            .selectFrom('repositoryManifests')
            .select('digest')
            .whereRef('repositoryManifests.repositoryId', '=', 'repositories.id'),
        ),
      );
    if (visibleTo) query = query.where(isVisibleTo(visibleTo, this.#now()));
    const rows = await query
      .orderBy('repositories.name')
      .limit(limit + 1)
      .execute();
    return { names: rows.slice(0, limit).map((row) => row.name), hasMore: rows.length > limit };
  }
}
