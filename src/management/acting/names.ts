/** Numbers of what the API is told by name. A number is never taken for a name, even where something is called so. */
import type { Database } from '../../metadata/db/database.ts';
import { isStorable } from '../endpoint/validation.ts';

/** How the names of each kind are written. */
export const namedKinds = {
  group: 'full path',
  user: 'username',
  repository: 'full path',
  registry: '`GROUP/NAME`',
  upstream: '`GROUP/NAME` where its group has one of this name',
} as const;

export type NamedKind = keyof typeof namedKinds;

/** Two names and the `/` between them. */
const maxNameLength = 511;

export class Names {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * What is given, with numbers in place of names. A name of nothing becomes 0, which is nobody's number: whether something is not there
   * or may not be known of stays for the endpoint to say.
   * @param kinds by the parameters that may be names
   */
  async numbered(
    kinds: Readonly<Record<string, NamedKind>>,
    given: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const numbered = { ...given };
    for (const [parameter, kind] of Object.entries(kinds)) {
      const name = given[parameter];
      if (isName(name)) numbered[parameter] = (await this.#find(kind, name))?.id ?? 0;
    }
    return numbered;
  }

  async #find(kind: NamedKind, name: string): Promise<{ readonly id: number } | undefined> {
    const { groups, users, repositories, virtualRegistries, upstreams } = this.#database;
    const path = name.toLowerCase();
    switch (kind) {
      case 'group':
        return groups.findByPath(path);
      case 'user':
        return users.findByUsername(path);
      case 'repository':
        return repositories.findByName(path);
      case 'registry':
        return this.#findIn(name, async (groupId, own) =>
          (await virtualRegistries.list(groupId)).filter((registry) => registry.name === own),
        );
      case 'upstream':
        return this.#findIn(name, (groupId, own) => upstreams.listByName(groupId, own));
    }
  }

  /** The only one of its name in the top-level group before the first slash. */
  async #findIn<T>(
    name: string,
    list: (groupId: number, own: string) => Promise<readonly T[]>,
  ): Promise<T | undefined> {
    const [path = '', ...own] = name.split('/');
    const group = await this.#database.groups.findByPath(path.toLowerCase());
    const found = group ? await list(group.id, own.join('/')) : [];
    return found.length === 1 ? found[0] : undefined;
  }
}

function isName(given: unknown): given is string {
  if (typeof given !== 'string' || given.length > maxNameLength || !isStorable(given)) return false;
  return /\S/.test(given) && !/^\s*[+-]?\d+\s*$/.test(given);
}
