/** Which upstreams a virtual registry has, in which order. */
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { RegistryUpstream } from '../../metadata/registries/registry-upstreams.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { Changes } from '../acting/changes.ts';
import type { PullCaches } from '../acting/pull-caches.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { type Owned, Rights } from '../acting/rights.ts';
import { tellExposures } from '../namespaces/exposures.ts';

export interface AssociationServiceOptions {
  readonly database: Database;
  readonly caches: PullCaches;
  /** Per virtual registry. */
  readonly maxUpstreams: number;
}

export class AssociationService {
  readonly #maxUpstreams: number;
  readonly #changes: Changes;
  readonly #rights = new Rights();

  constructor({ database, caches, maxUpstreams }: AssociationServiceOptions) {
    this.#maxUpstreams = maxUpstreams;
    this.#changes = new Changes(database, caches);
  }

  /** The upstream comes to the last position. @throws RefusedError not-found (also across groups), forbidden, invalid */
  async create(actor: Actor, registryId: number, upstreamId: number): Promise<RegistryUpstream> {
    return this.#changes.run(async (tx) => {
      const { groupId, groupPath } = await this.#rights.getRegistry(tx, actor, registryId, 'write');
      const upstream = await tx.upstreams.find(upstreamId);
      if (upstream?.groupId !== groupId) throw new RefusedError('not-found', 'Upstream');
      const association = await tx.registryUpstreams.append(registryId, upstreamId);
      if (association.position > this.#maxUpstreams) {
        throw new RefusedError('invalid', {
          position: tooManyUpstreams(this.#maxUpstreams),
        });
      }
      await this.#record(tx, actor, 'create', { ...association, groupPath });
      await tellExposures(tx, actor, { registryId });
      return { ...association, groupId };
    });
  }

  /** The others shift; a position beyond the last is the last. @throws RefusedError not-found, forbidden */
  async move(actor: Actor, id: number, position: number): Promise<RegistryUpstream> {
    return this.#changes.run(async (tx) => {
      const { groupId, groupPath } = await this.#get(tx, actor, id);
      const association = await tx.registryUpstreams.move(id, position);
      if (!association) throw new RefusedError('not-found');
      await this.#record(tx, actor, 'update', { ...association, groupPath });
      return { ...association, groupId };
    });
  }

  /** The upstream stays, even in no registry. @throws RefusedError not-found, forbidden */
  async remove(actor: Actor, id: number): Promise<void> {
    await this.#changes.run(async (tx) => {
      const association = await this.#get(tx, actor, id);
      await tx.registryUpstreams.remove(id);
      await this.#record(tx, actor, 'delete', association);
      return association;
    });
  }

  async #get(
    tx: Records,
    actor: Actor,
    id: number,
  ): Promise<Owned<RegistryUpstream> & { readonly groupId: number }> {
    const association = await tx.registryUpstreams.find(id);
    if (!association) throw new RefusedError('not-found');
    const { registryId } = association;
    const { groupId, groupPath } = await this.#rights.getRegistry(tx, actor, registryId, 'write');
    return { ...association, groupId, groupPath };
  }

  async #record(
    tx: Records,
    actor: Actor,
    verb: 'create' | 'update' | 'delete',
    { id, registryId, upstreamId, position, groupPath }: Owned<RegistryUpstream>,
  ): Promise<void> {
    const details = { registryId, upstreamId, position };
    await recordChange(tx, actor, { action: `registry_upstream.${verb}`, targetId: id, details, groupPath });
  }
}

/** GitLab's words, and what they mean here. */
export function tooManyUpstreams(most: number): readonly string[] {
  return [`must be less than or equal to ${most}`, `a virtual registry takes ${most} upstreams`];
}
