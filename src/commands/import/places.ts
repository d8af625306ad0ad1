/** The groups and projects that imported repositories belong to. */

import type { Config } from '../../config/config.ts';
import type { Actor } from '../../management/acting/actor.ts';
import { RefusedError } from '../../management/acting/refused-error.ts';
import { GroupService } from '../../management/namespaces/groups.ts';
import { ProjectService, type ProjectServiceOptions } from '../../management/namespaces/projects.ts';
import type { Database } from '../../metadata/db/database.ts';
import { maxSegmentsInside } from '../../metadata/namespaces/projects.ts';
import { parentPathOf } from '../../oci/reference.ts';
import { SourceFault } from '../../replication/image-source.ts';
import type { MappedName } from './name-map.ts';

export interface PlacesOptions {
  readonly database: Database;
  readonly settings: ProjectServiceOptions['settings'];
  readonly config: Pick<Config, 'hosted'>;
  /** Who owns what is missing; undefined: nothing is made. */
  readonly maker: Actor | undefined;
  readonly isDryRun: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class Places {
  readonly #database: Database;
  readonly #maker: Actor | undefined;
  readonly #isDryRun: boolean;
  readonly #groups: GroupService;
  readonly #projects: ProjectService;

  constructor({ database, settings, config, maker, isDryRun, now }: PlacesOptions) {
    // What is new is in nobody's memory.
    const caches = { forgetGroup: () => undefined };
    this.#database = database;
    this.#maker = maker;
    this.#isDryRun = isDryRun;
    this.#groups = new GroupService({ database, caches });
    const hasPersonalNamespaces = config.hosted.personalNamespaces;
    this.#projects = new ProjectService({ database, caches, settings, hasPersonalNamespaces, now });
  }

  /** Makes the project, with its groups, where none owns the name. @throws SourceFault where none does in the end */
  async demandProject({ name, project }: MappedName): Promise<void> {
    if (await this.#database.projects.findOwner(name)) return;
    if (name.slice(project.length).split('/').length - 1 > maxSegmentsInside)
      throw new SourceFault(
        `${name} has more than ${maxSegmentsInside} segments after its project ${project}`,
      );
    if (!this.#maker)
      throw new SourceFault(`no project owns ${name}: make ${project}, or give --create-groups`);
    if (this.#isDryRun) return;
    try {
      const groupId = await this.#groupAt(this.#maker, parentPathOf(project));
      await this.#projects.create(this.#maker, { groupId, path: lastOf(project), visibility: 'private' });
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      throw new SourceFault(`the project ${project} cannot be made: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** Its number. @throws RefusedError */
  async #groupAt(maker: Actor, path: string): Promise<number> {
    const known = await this.#database.groups.findByPath(path);
    if (known) return known.id;
    const parent = parentPathOf(path);
    const parentId = parent === '' ? undefined : await this.#groupAt(maker, parent);
    const input = { parentId, path: lastOf(path), name: lastOf(path), visibility: 'private' } as const;
    return (await this.#groups.create(maker, input)).id;
  }
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function reasonOf({ detail, kind, faults }: RefusedError): string {
  const texts = Object.entries(faults).map(([attribute, those]) => `${attribute} ${those.join(', ')}`);
  return detail ?? (texts.join('; ') || kind);
}
