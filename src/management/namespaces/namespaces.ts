/** Namespaces, as GitLab calls what projects are in: here groups alone, since users have none of their own. */
import { isAdministrator } from '../../auth/rights/access.ts';
import { accessLevels } from '../../auth/rights/access-levels.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { Rights } from '../acting/rights.ts';
import { type NamedGroup, nameGroups } from './full-names.ts';
import { visibleGroupsOf } from './visibility.ts';

export interface NamespaceSearch {
  /** Part of the name or full path. */
  readonly search: string | undefined;
  readonly isOwned: boolean;
  readonly isTopLevel: boolean;
}

/** How many paths are tried before none is suggested. */
const maxSuggestions = 20;

export class NamespaceService {
  readonly #database: Database;
  readonly #rights = new Rights();

  constructor({ database }: { readonly database: Database }) {
    this.#database = database;
  }

  /** The groups where the actor has a role, there or above; administrators see all. By full path. @throws RefusedError unauthorized */
  async list(actor: Actor, search: NamespaceSearch, page: Page): Promise<Paged<NamedGroup>> {
    const { userId: memberId } = userOf(actor);
    const { search: text, isOwned, isTopLevel } = search;
    const leastLevel = isOwned ? accessLevels.owner : accessLevels.guest;
    const isEverything = isAdministrator(actor.identity, 'read') && !isOwned;
    const visibleTo = isEverything ? undefined : { visibilities: [], memberId, leastLevel };
    const filter = { search: text, isTopLevel, visibleTo };
    const found = await this.#database.groups.list(filter, page);
    return { ...found, records: await nameGroups(this.#database, found.records) };
  }

  /**
   * Whether there is a namespace of this path, and if so which path is free instead. One that the actor may not know of is not there.
   * @param parentId of the group that it would be in; undefined: at the top
   */
  async findSuggestion(
    actor: Actor,
    path: string,
    parentId: number | undefined,
  ): Promise<{ readonly exists: boolean; readonly suggests: readonly string[] }> {
    const parent =
      parentId === undefined
        ? undefined
        : await this.#rights.getGroup(this.#database, actor, String(parentId), 'see');
    const isTaken = async (segment: string) => {
      const fullPath = (parent ? `${parent.fullPath}/${segment}` : segment).toLowerCase();
      return this.#isVisible(actor, fullPath);
    };
    if (!(await isTaken(path))) return { exists: false, suggests: [] };
    for (let number = 1; number <= maxSuggestions; number += 1)
      if (!(await isTaken(`${path}${number}`))) return { exists: true, suggests: [`${path}${number}`] };
    return { exists: true, suggests: [] };
  }

  async #isVisible(actor: Actor, fullPath: string): Promise<boolean> {
    const page = { page: 1, perPage: 1 };
    const filter = { fullPath, visibleTo: visibleGroupsOf(actor) };
    return (await this.#database.groups.list(filter, page)).total > 0;
  }
}
