/** Where everyone may pull what is not public: through local upstreams of virtual registries that allow anonymous pulls. */
import type { Kysely } from 'kysely';
import type { Tables } from '../db/tables.ts';
import { below } from './below.ts';

export interface Exposure {
  readonly registryId: number;
  /** Full path of the registry's group, whose private projects it shows. */
  readonly groupPath: string;
  /** Full path of the group or project that is the upstream. */
  readonly path: string;
}

const localScheme = 'entrepot:';

export class Exposures {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** @param of one registry, or of all whose upstream is at a path, around it or below it */
  async list(of: { readonly registryId: number } | { readonly path: string }): Promise<readonly Exposure[]> {
    let query = this.#db
      .selectFrom('virtualRegistries as registry')
      .innerJoin('groups', 'groups.id', 'registry.groupId')
      .innerJoin('registryUpstreams', 'registryUpstreams.registryId', 'registry.id')
      .innerJoin('upstreams', 'upstreams.id', 'registryUpstreams.upstreamId')
      .where('registry.anonymousPull', '=', true)
      .where('upstreams.url', 'like', `${localScheme}%`)
      .select(['registry.id', 'groups.fullPath as groupPath', 'upstreams.url'])
      .orderBy('registry.id');
    if ('registryId' in of) query = query.where('registry.id', '=', of.registryId);
    const exposures: Exposure[] = [];
    for (const { id: registryId, groupPath, url } of await query.execute()) {
      const path = url.slice(localScheme.length);
      if ('path' in of && !isWithin(path, of.path) && !isWithin(of.path, path)) continue;
      if (await this.#hasClosed(path, groupPath)) exposures.push({ registryId, groupPath, path });
    }
    return exposures;
  }

  /** Is there a project at the path or below it, and in the group, that not everyone may pull from by itself? */
  async #hasClosed(path: string, groupPath: string): Promise<boolean> {
    const found = await this.#db
      .selectFrom('projects')
      .select('id')
      .where((eb) => eb.or([eb('fullPath', '=', path), below(eb.ref('fullPath'), path)]))
      .where((eb) => below(eb.ref('fullPath'), groupPath))
      .where('containerRegistryAccessLevel', '<>', 'disabled')
      .where((eb) =>
        eb.or([eb('visibility', '<>', 'public'), eb('containerRegistryAccessLevel', '=', 'private')]),
      )
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }
}

function isWithin(path: string, outer: string): boolean {
  return `${path}/`.startsWith(`${outer}/`);
}
