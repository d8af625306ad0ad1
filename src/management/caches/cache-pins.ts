/** Images of virtual registries that are kept whatever room there is. */
import type { CachePin } from '../../metadata/cached/cache-pins.ts';
import type { Database } from '../../metadata/db/database.ts';
import { isDigest } from '../../oci/digest.ts';
import { ImagePattern } from '../../rules/image-pattern.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';

export interface CachePinInput {
  /** A name, or a pattern with stars. */
  readonly image: string;
  /** A pin has at most one of the two. */
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

const maxPins = 1000;

export class CachePinService {
  readonly #database: Database;
  readonly #rights = new Rights();

  constructor({ database }: { readonly database: Database }) {
    this.#database = database;
  }

  /** Oldest first. @throws RefusedError not-found, forbidden */
  async list(actor: Actor, registryId: number): Promise<readonly CachePin[]> {
    await this.#rights.getRegistry(this.#database, actor, registryId, 'read');
    return this.#database.cachePins.list(registryId);
  }

  /** @throws RefusedError not-found, forbidden, invalid */
  async create(actor: Actor, registryId: number, { image, tag, digest }: CachePinInput): Promise<CachePin> {
    return runChange(this.#database, async (tx) => {
      const { groupId, groupPath } = await this.#rights.getRegistry(tx, actor, registryId, 'write');
      await tx.groups.hold(groupId);
      if (!ImagePattern.find(image)) throw new RefusedError('invalid', { image: ['is invalid'] });
      if (tag !== undefined && !ImagePattern.find(tag))
        throw new RefusedError('invalid', { tag: ['is invalid'] });
      if (digest !== undefined && !isDigest(digest))
        throw new RefusedError('invalid', { digest: ['is invalid'] });
      const pins = await tx.cachePins.list(registryId);
      if (pins.some((pin) => pin.image === image && pin.tag === tag && pin.digest === digest))
        throw new RefusedError('invalid', { image: ['has already been taken'] });
      if (pins.length >= maxPins)
        throw new RefusedError('invalid', {
          base: [`${maxPins} pins is the maximum allowed per virtual registry.`],
        });
      const pin = await tx.cachePins.create({ registryId, image, tag, digest });
      await recordChange(tx, actor, {
        action: 'cache_pin.create',
        targetId: pin.id,
        details: { groupId, registryId, image, tag, digest },
        groupPath,
      });
      return pin;
    });
  }

  /** @throws RefusedError not-found, forbidden */
  async remove(actor: Actor, registryId: number, id: number): Promise<void> {
    await runChange(this.#database, async (tx) => {
      const { groupId, groupPath } = await this.#rights.getRegistry(tx, actor, registryId, 'write');
      const pin = await tx.cachePins.remove(registryId, id);
      if (!pin) throw new RefusedError('not-found');
      const { image, tag, digest } = pin;
      await recordChange(tx, actor, {
        action: 'cache_pin.delete',
        targetId: id,
        details: { groupId, registryId, image, tag, digest },
        groupPath,
      });
    });
  }
}
