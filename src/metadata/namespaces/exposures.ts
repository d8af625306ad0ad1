/** Where everyone may pull what is not public: through local upstreams of virtual registries that allow anonymous pulls. */
import type { Kysely } from 'kysely';
import type { Tables } from '../db/schema.ts';
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
      .selectFrom('virtual_registries as registry')
      .innerJoin('groups', 'groups.id', 'registry.group_id')
      .innerJoin('registry_upstreams', 'registry_upstreams.registry_id', 'registry.id')
      .innerJoin('upstreams', 'upstreams.id', 'registry_upstreams.upstream_id')
      .where('registry.anonymous_pull', '=', 1)
      .where('upstreams.url', 'like', `${localScheme}%`)
      .select(['registry.id', 'groups.full_path', 'upstreams.url'])
      .orderBy('registry.id');
    if ('registryId' in of) query = query.where('registry.id', '=', of.registryId);
    const exposures: Exposure[] = [];
    for (const { id: registryId, full_path: groupPath, url } of await query.execute()) {
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
      .where((eb) => eb.or([eb('full_path', '=', path), below(eb.ref('full_path'), path)]))
      .where((eb) => below(eb.ref('full_path'), groupPath))
      .where('container_registry_access_level', '<>', 'disabled')
      .where((eb) =>
        eb.or([eb('visibility', '<>', 'public'), eb('container_registry_access_level', '=', 'private')]),
      )
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }
}

function isWithin(path: string, outer: string): boolean {
  return `${path}/`.startsWith(`${outer}/`);
}
