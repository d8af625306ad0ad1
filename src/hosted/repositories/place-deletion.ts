/**
 * Groups and projects are deleted at once, with all that they have, or, where that is a lot, in the background: nothing is pulled from them or
 * pushed to them from then on, what they have goes in parts, and they themselves last. Each part is a transaction; a process that dies leaves
 * the rest to the next.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Records } from '../../metadata/db/records.ts';
import type { Place } from '../../metadata/namespaces/place.ts';
import type { PlaceRemoval } from '../../metadata/namespaces/place-removals.ts';
import { tellOf } from '../changes/write-records.ts';
import type { Changer } from '../changes/write-target.ts';
import { type RepositoryDeletionOptions, unlinkSome } from './repository-deletion.ts';

const taskName = 'places.delete';
const pauseMs = 5;

type Teller = Pick<Changer, 'name' | 'origin'>;

/** Part of a transaction that holds the group or project. */
export async function deletePlace(tx: Records, author: Teller, place: Place): Promise<void> {
  if (!(await tx.placeRemovals.isLarge(place))) return deleteAtOnce(tx, author, place);
  await tx.placeRemovals.begin(place, author.name);
  await tx.tasks.wake(taskName);
}

async function deleteAtOnce(tx: Records, author: Teller, { kind, id, fullPath }: Place): Promise<void> {
  await (kind === 'group' ? tx.reviews.addGroup(fullPath) : tx.reviews.addProject(id));
  await tellOf(tx, author, await tx.repositories.listNamed(fullPath), { action: 'delete' });
  await tx[`${kind}s`].remove(id);
}

export class PlaceDeletionTask {
  readonly name = taskName;
  readonly everyMs = 60_000;
  readonly #options: RepositoryDeletionOptions;

  constructor(options: RepositoryDeletionOptions) {
    this.#options = options;
  }

  /** Removes all that are to be removed; what fails is tried again at another time. @throws what the database throws */
  async run(signal: AbortSignal) {
    const { database, log } = this.#options;
    const result = { places: 0, failures: 0 };
    for (const place of await database.placeRemovals.list()) {
      const { kind, fullPath } = place;
      try {
        while (await this.#removePart(place)) {
          if (signal.aborted) return { result, again: true };
          await sleep(pauseMs);
        }
        await database.transaction((tx) => deleteAtOnce(tx, { name: place.actorName }, place));
        result.places += 1;
        log.info({ [kind]: fullPath }, `a ${kind} was deleted`);
      } catch (error) {
        result.failures += 1;
        log.error({ err: error, [kind]: fullPath }, `a ${kind} was not deleted: this is tried again`);
      }
    }
    return { result };
  }

  /** False where nothing is left but the group or project itself. */
  #removePart(place: PlaceRemoval): Promise<boolean> {
    return this.#options.database.transaction(
      async (tx) =>
        (await removeRepositories(tx, place)) ||
        (await tx.placeRemovals.removeEntries(place)) ||
        (await tx.placeRemovals.removePlaces(place)),
    );
  }
}

async function removeRepositories(tx: Records, place: PlaceRemoval): Promise<boolean> {
  const repositories = await tx.placeRemovals.holdRepositories(place);
  const ids = repositories.map(({ id }) => id);
  if (ids.length === 0) return false;
  if (await unlinkSome(tx, ids, 'project_delete')) return true;
  await tellOf(tx, { name: place.actorName }, repositories, { action: 'delete' });
  await tx.repositoryRemovals.removeAll(ids);
  return true;
}
