/** Virtual registries: ordered lists of upstreams, a few per top-level group. */
import type { Database } from '../../metadata/db/database.ts';
import type { RegistryUpstream } from '../../metadata/registries/registry-upstreams.ts';
import type {
  VirtualRegistry,
  VirtualRegistryChanges,
} from '../../metadata/registries/virtual-registries.ts';
import type { Reference, RepositoryName } from '../../oci/reference.ts';
import type { PullExplanation } from '../../proxy/pull-explanation.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { Changes } from '../acting/changes.ts';
import { demandUnmodified } from '../acting/preconditions.ts';
import type { PullCaches } from '../acting/pull-caches.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';
import { tellExposures } from '../namespaces/exposures.ts';

/** Says how a pull would be answered now, without changing anything. */
export interface PullExplainer {
  explain(registryId: number, image: RepositoryName, reference: Reference): Promise<PullExplanation>;
}

export interface VirtualRegistryInput {
  readonly name: string;
  readonly description?: string | undefined;
  /** Whether everyone may pull from it, whoever they are. */
  readonly anonymousPull: boolean;
}

export interface DetailedRegistry extends VirtualRegistry {
  /** By position. */
  readonly registryUpstreams: readonly RegistryUpstream[];
}

export interface VirtualRegistryServiceOptions {
  readonly database: Database;
  readonly caches: PullCaches;
  readonly explainer: PullExplainer;
  readonly maxPerGroup: number;
}

export class VirtualRegistryService {
  readonly #database: Database;
  readonly #explainer: PullExplainer;
  readonly #maxPerGroup: number;
  readonly #changes: Changes;
  readonly #rights = new Rights();

  constructor({ database, caches, explainer, maxPerGroup }: VirtualRegistryServiceOptions) {
    this.#database = database;
    this.#explainer = explainer;
    this.#maxPerGroup = maxPerGroup;
    this.#changes = new Changes(database, caches);
  }

  /** Oldest first. @throws RefusedError not-found, forbidden (also for a subgroup) */
  async list(actor: Actor, groupReference: string): Promise<readonly VirtualRegistry[]> {
    const group = await this.#rights.getTopLevelGroup(
      this.#database,
      actor,
      groupReference,
      'read',
      'forbidden',
    );
    return this.#database.virtualRegistries.list(group.id);
  }

  /** @throws RefusedError not-found, forbidden (also for a subgroup), invalid */
  async create(actor: Actor, groupReference: string, input: VirtualRegistryInput): Promise<VirtualRegistry> {
    return this.#changes.run(async (tx) => {
      const group = await this.#rights.getTopLevelGroup(tx, actor, groupReference, 'write', 'forbidden');
      await tx.groups.hold(group.id);
      if ((await tx.virtualRegistries.count(group.id)) >= this.#maxPerGroup) {
        throw new RefusedError('invalid', {
          base: [`${this.#maxPerGroup} registries is the maximum allowed per top-level group.`],
        });
      }
      const registry = await tx.virtualRegistries.create({ ...input, groupId: group.id });
      await recordChange(tx, actor, {
        action: 'virtual_registry.create',
        targetId: registry.id,
        details: { groupId: group.id, ...input },
        groupPath: group.fullPath,
      });
      return registry;
    });
  }

  /** @throws RefusedError not-found, forbidden */
  async get(actor: Actor, id: number): Promise<DetailedRegistry> {
    const registry = await this.#rights.getRegistry(this.#database, actor, id, 'read');
    return { ...registry, registryUpstreams: await this.#database.registryUpstreams.list(id) };
  }

  /** @throws RefusedError not-found, forbidden, invalid */
  async update(actor: Actor, id: number, changes: VirtualRegistryChanges): Promise<VirtualRegistry> {
    return this.#changes.run(async (tx) => {
      const { groupId, groupPath } = await this.#rights.getRegistry(tx, actor, id, 'write');
      const registry = await tx.virtualRegistries.update(id, changes);
      if (!registry) throw new RefusedError('not-found');
      if (changes.anonymousPull) await tellExposures(tx, actor, { registryId: id });
      await recordChange(tx, actor, {
        action: 'virtual_registry.update',
        targetId: id,
        details: { groupId, ...changes },
        groupPath,
      });
      return registry;
    });
  }

  /** Removes a registry with the upstreams that no other registry uses. @throws RefusedError not-found, forbidden, precondition-failed */
  async remove(actor: Actor, id: number, unmodifiedSince: number | undefined): Promise<void> {
    await this.#changes.run(async (tx) => {
      const registry = await this.#rights.getRegistry(tx, actor, id, 'write');
      demandUnmodified(registry, unmodifiedSince);
      const removed = await tx.upstreams.removeExclusive(id);
      await tx.virtualRegistries.remove(id);
      await recordChange(tx, actor, {
        action: 'virtual_registry.delete',
        targetId: id,
        details: {
          groupId: registry.groupId,
          name: registry.name,
          removedUpstreams: removed.map((upstream) => ({ id: upstream.id, name: upstream.name })),
        },
        groupPath: registry.groupPath,
      });
      return registry;
    });
  }

  /** Forgets what is cached of the upstreams that no other registry uses. @throws RefusedError not-found, forbidden */
  async clearCache(actor: Actor, id: number): Promise<void> {
    await this.#changes.run(async (tx) => {
      const registry = await this.#rights.getRegistry(tx, actor, id, 'write');
      const removed = await tx.cacheContents.removeByRegistry(id);
      await recordChange(tx, actor, {
        action: 'virtual_registry.clear_cache',
        targetId: id,
        details: { groupId: registry.groupId, removedEntries: removed },
        groupPath: registry.groupPath,
      });
      return registry;
    });
  }

  /** How a pull would be answered now. @throws RefusedError not-found, forbidden */
  async explain(
    actor: Actor,
    id: number,
    image: RepositoryName,
    reference: Reference,
  ): Promise<PullExplanation> {
    await this.#rights.getRegistry(this.#database, actor, id, 'read');
    return this.#explainer.explain(id, image, reference);
  }
}
