/** Images that are fetched into the cache of a virtual registry before anybody asks for them. */
import type { Prewarm, PrewarmImage } from '../../metadata/cached/prewarms.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import { prewarmTask } from '../../proxy/prewarm/prewarm-task.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';
import { parseImageReference } from '../registries/explanation.ts';

export interface PrewarmInput {
  /** As people write them. */
  readonly images: readonly string[];
  /** As `linux/arm64`; empty: all. */
  readonly platforms: readonly string[];
  /** Undefined: once. */
  readonly everyHours?: number | undefined;
}

export interface DetailedPrewarm extends Prewarm {
  readonly images: readonly PrewarmImage[];
}

/** Of a virtual registry: the oldest that are over, and are not repeated, give way to new ones. */
const maxPrewarms = 100;
/** An audit event of all of them would be long. */
const maxToldImages = 100;

export class PrewarmService {
  readonly #database: Database;
  readonly #wake: (task: string) => void;
  readonly #rights = new Rights();

  /** @param wake runs a task soon */
  constructor({ database, wake }: { readonly database: Database; readonly wake: (task: string) => void }) {
    this.#database = database;
    this.#wake = wake;
  }

  /** Newest first. @throws RefusedError not-found, forbidden */
  async list(actor: Actor, registryId: number): Promise<readonly Prewarm[]> {
    await this.#rights.getRegistry(this.#database, actor, registryId, 'read');
    return this.#database.prewarms.list(registryId);
  }

  /** @throws RefusedError not-found, forbidden */
  async get(actor: Actor, registryId: number, id: number): Promise<DetailedPrewarm> {
    await this.#rights.getRegistry(this.#database, actor, registryId, 'read');
    return getPrewarm(this.#database, registryId, id);
  }

  /** Begins within seconds. @throws RefusedError not-found, forbidden, bad-request, invalid */
  async create(actor: Actor, registryId: number, input: PrewarmInput): Promise<DetailedPrewarm> {
    const images = [...new Set(input.images.map(canonicalName))];
    const platforms = [...new Set(input.platforms)];
    const created = await runChange(this.#database, async (tx) => {
      const { groupId, groupPath } = await this.#rights.getRegistry(tx, actor, registryId, 'write');
      await tx.groups.hold(groupId);
      await makeRoom(tx, registryId);
      const { everyHours } = input;
      const id = await tx.prewarms.create({ registryId, platforms, everyHours }, images);
      await recordChange(tx, actor, {
        action: 'prewarm.create',
        targetId: id,
        details: {
          groupId,
          registryId,
          images: images.slice(0, maxToldImages),
          imagesCount: images.length,
          platforms,
          everyHours,
        },
        groupPath,
      });
      return getPrewarm(tx, registryId, id);
    });
    this.#wake(prewarmTask);
    return created;
  }

  /** Ends it, or forgets that it was; what was fetched stays. @throws RefusedError not-found, forbidden */
  async remove(actor: Actor, registryId: number, id: number): Promise<void> {
    await runChange(this.#database, async (tx) => {
      const { groupId, groupPath } = await this.#rights.getRegistry(tx, actor, registryId, 'write');
      const { waiting, done, failed } = await getPrewarm(tx, registryId, id);
      await tx.prewarms.remove(registryId, id);
      await recordChange(tx, actor, {
        action: 'prewarm.delete',
        targetId: id,
        details: { groupId, registryId, waiting, done, failed },
        groupPath,
      });
    });
  }
}

/** @throws RefusedError not-found */
async function getPrewarm(
  { prewarms }: Pick<Records, 'prewarms'>,
  registryId: number,
  id: number,
): Promise<DetailedPrewarm> {
  const found = await prewarms.find(registryId, id);
  if (!found) throw new RefusedError('not-found');
  return { ...found, images: await prewarms.listImages(id) };
}

/** @throws RefusedError invalid */
async function makeRoom({ prewarms }: Records, registryId: number): Promise<void> {
  const all = await prewarms.list(registryId);
  if (all.length < maxPrewarms) return;
  const oldest = all.findLast(({ waiting, everyHours }) => waiting === 0 && everyHours === undefined);
  if (!oldest)
    throw new RefusedError('invalid', {
      base: [`${maxPrewarms} pre-warms is the maximum allowed per virtual registry: delete one.`],
    });
  await prewarms.remove(registryId, oldest.id);
}

/** The same for each way to write it. @throws RefusedError bad-request */
function canonicalName(written: string): string {
  const { image, reference } = parseImageReference(written);
  return `${image}${reference.includes(':') ? '@' : ':'}${reference}`;
}
