/** Groups and projects that have too much to be removed at once: what they have goes a part at a time, they themselves last. */
import { expressionBuilder, type Kysely, sql } from 'kysely';
import { removeSomeEntries } from '../cached/remove-entries.ts';
import type { Reviews } from '../collector/reviews.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Optional, Tables } from '../db/tables.ts';
import type { RepositoryRecord } from '../hosted/repositories.ts';
import { below } from './below.ts';
import type { Place } from './place.ts';

export interface PlaceRemovalTable {
  groupId: Optional<number>;
  projectId: Optional<number>;
  /** Of whoever removes it. */
  actorName: string;
}

export type PlaceRemoval = Place & Pick<PlaceRemovalTable, 'actorName'>;

/** So many rows of a kind are removed in one transaction. */
const rowsAtOnce = 200;

export class PlaceRemovals {
  readonly #db: Kysely<Tables>;
  readonly #reviews: Reviews;

  constructor(db: Kysely<Tables>, reviews: Reviews) {
    this.#db = db;
    this.#reviews = reviews;
  }

  /** Whether it has more than can go in one transaction without keeping others waiting. */
  async isLarge({ fullPath }: Place): Promise<boolean> {
    const repositories = repositoriesOf(this.#db, fullPath);
    const linked = (table: 'repositoryManifests' | 'repositoryBlobs') =>
      this.#db.selectFrom(table).select('repositoryId').where('repositoryId', 'in', repositories);
    const all = [
      groupsOf(fullPath),
      projectsOf(fullPath),
      repositories,
      linked('repositoryManifests'),
      linked('repositoryBlobs'),
      this.#db.selectFrom('cacheEntries').select('id').where('groupId', 'in', groupsOf(fullPath)),
    ];
    for (const kind of all) {
      const further = sql`select 1 as one from (${kind}) as found limit 1 offset ${rowsAtOnce}`;
      if ((await further.execute(this.#db)).rows.length > 0) return true;
    }
    return false;
  }

  /** From now on nothing is pulled from it or pushed to it. Asking again changes nothing. Part of a transaction. */
  async begin({ kind, id, fullPath }: Place, actorName: string): Promise<void> {
    await this.#db
      .insertInto('placeRemovals')
      .values({ ...(kind === 'group' ? { groupId: id } : { projectId: id }), actorName })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await this.#db
      .updateTable('projects')
      .set({ containerRegistryAccessLevel: 'disabled' })
      .where('id', 'in', projectsOf(fullPath))
      .execute();
    await this.#db.deleteFrom('virtualRegistries').where('groupId', 'in', groupsOf(fullPath)).execute();
  }

  async list(): Promise<readonly PlaceRemoval[]> {
    const removals = this.#db.selectFrom('placeRemovals as removal').select('removal.actorName');
    const groups = await removals
      .innerJoin('groups', 'groups.id', 'removal.groupId')
      .select(['groups.id', 'groups.fullPath'])
      .execute();
    const projects = await removals
      .innerJoin('projects', 'projects.id', 'removal.projectId')
      .select(['projects.id', 'projects.fullPath'])
      .execute();
    return [
      ...groups.map((each) => ({ kind: 'group' as const, ...each })),
      ...projects.map((each) => ({ kind: 'project' as const, ...each })),
    ];
  }

  /** Some of its repositories, held until the transaction ends; pushes hold theirs before all else. */
  async holdRepositories({
    fullPath,
  }: Place): Promise<readonly Pick<RepositoryRecord, 'id' | 'projectId' | 'name'>[]> {
    const some = await repositoriesOf(this.#db, fullPath).limit(rowsAtOnce).execute();
    if (some.length === 0) return [];
    return this.#db
      .selectFrom('repositories')
      .select(['id', 'projectId', 'name'])
      .where(
        'id',
        'in',
        some.map(({ id }) => id),
      )
      .orderBy('id')
      .forUpdate()
      .execute();
  }

  /** Removes some of what its virtual registries have cached. False where there is nothing any more. */
  removeEntries({ fullPath }: Place): Promise<boolean> {
    return inTransaction(this.#db, async (tx) => {
      const which = tx.selectFrom('cacheEntries').select('id').where('groupId', 'in', groupsOf(fullPath));
      return (await removeSomeEntries(tx, this.#reviews.within(tx), which, 'upstream_delete')) > 0;
    });
  }

  /** Removes some of the projects and groups in a group, which have nothing any more. False where it has none. */
  async removePlaces({ fullPath }: Place): Promise<boolean> {
    for (const table of ['projects', 'groups'] as const) {
      // Whoever is below others comes after them.
      const some = this.#db
        .selectFrom(table)
        .select('id')
        .where((eb) => below(eb.ref('fullPath'), fullPath))
        .orderBy('fullPath', 'desc')
        .limit(rowsAtOnce);
      const { numDeletedRows } = await this.#db
        .deleteFrom(table)
        .where('id', 'in', some)
        .executeTakeFirstOrThrow();
      if (numDeletedRows > 0n) return true;
    }
    return false;
  }
}

/** The ids of the groups at this path and below it. */
function groupsOf(fullPath: string) {
  return expressionBuilder<Tables>()
    .selectFrom('groups')
    .select('groups.id')
    .where((eb) => eb.or([eb('groups.fullPath', '=', fullPath), below(eb.ref('groups.fullPath'), fullPath)]));
}

function projectsOf(fullPath: string) {
  return expressionBuilder<Tables>()
    .selectFrom('projects')
    .select('projects.id')
    .where((eb) =>
      eb.or([eb('projects.fullPath', '=', fullPath), below(eb.ref('projects.fullPath'), fullPath)]),
    );
}

function repositoriesOf(db: Kysely<Tables>, fullPath: string) {
  return db
    .selectFrom('repositories')
    .select('repositories.id')
    .where('repositories.projectId', 'in', projectsOf(fullPath));
}
