/** Repositories with their tags' dates, and those that are below a path. */
import type { Kysely } from 'kysely';
import type { PageRequest } from '../../oci/repository.ts';
import type { Tables } from '../db/tables.ts';
import { below } from '../namespaces/below.ts';

export interface RepositoryDetail {
  readonly name: string;
  readonly createdAt: number;
  /** When a manifest or a tag of it changed last. */
  readonly updatedAt: number;
}

export class RepositoryDetails {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** When the last of its tags was pushed; undefined where it has none. */
  async findLastPublished(repositoryId: number): Promise<number | undefined> {
    const { last } = await this.#db
      .selectFrom('tags')
      .select((eb) => eb.fn.max<number | null>('updatedAt').as('last'))
      .where('repositoryId', '=', repositoryId)
      .executeTakeFirstOrThrow();
    return last ?? undefined;
  }

  /** Repositories of this name and below it that have a tag, in byte order, without those of projects whose registry is disabled. */
  async listTagged(
    path: string,
    { after, limit }: PageRequest,
  ): Promise<{ readonly repositories: readonly RepositoryDetail[]; readonly hasMore: boolean }> {
    const found = await this.#db
      .selectFrom('repositories')
      .innerJoin('projects', 'projects.id', 'repositories.projectId')
      .select(['repositories.name', 'repositories.createdAt', 'repositories.updatedAt'])
      .where((eb) => eb.or([eb('repositories.name', '=', path), below(eb.ref('repositories.name'), path)]))
      .where('repositories.name', '>', after)
      .where('projects.containerRegistryAccessLevel', '<>', 'disabled')
      .where((eb) =>
        eb.exists(
          eb.selectFrom('tags').select('tags.name').whereRef('tags.repositoryId', '=', 'repositories.id'),
        ),
      )
      .orderBy('repositories.name')
      .limit(limit + 1)
      .execute();
    return { repositories: found.slice(0, limit), hasMore: found.length > limit };
  }

  /** Whether there is a repository below the path. */
  async hasBelow(path: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('repositories')
      .select('id')
      .where((eb) => below(eb.ref('name'), path))
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }
}
