/** A task that measures repositories that have changed, so that lists can be sorted by size. */
import type { Database } from '../../metadata/db/database.ts';

const atOnce = 50;

export class RepositoryMeasuringTask {
  readonly name = 'repositories.measure';
  readonly everyMs = 5 * 60_000;
  readonly #database: Pick<Database, 'repositorySizes'>;

  constructor({ database }: { readonly database: Pick<Database, 'repositorySizes'> }) {
    this.#database = database;
  }

  /** @throws what the database throws */
  async run(
    signal: AbortSignal,
  ): Promise<{ readonly result: { readonly repositories: number }; readonly again: boolean }> {
    const { repositorySizes } = this.#database;
    let repositories = 0;
    const changed = await repositorySizes.listChanged(atOnce);
    for (const { id, updatedAt } of changed) {
      if (signal.aborted) break;
      await repositorySizes.note(id, await repositorySizes.measure(id), updatedAt);
      repositories += 1;
    }
    return { result: { repositories }, again: changed.length === atOnce };
  }
}
