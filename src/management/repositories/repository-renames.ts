/**
 * Repositories that get another name, with all below them: within their project, or in another one of the same top-level group. A
 * repository that is called as its project is renamed with the project itself. Either all have their new names, or none.
 */

import { accessLevels } from '../../auth/rights/access-levels.ts';
import type { RepositoryRights } from '../../auth/rights/repository-rights.ts';
import type { Principals } from '../../auth/tokens/principals.ts';
import type { Changer, WriteTarget } from '../../hosted/changes/write-target.ts';
import {
  nothingThere,
  renameDenied,
  renameRepositories,
} from '../../hosted/repositories/repository-renames.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { OciError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { TagPatterns } from '../../rules/tag-protection.ts';
import type { Actor } from '../acting/actor.ts';
import { runChange } from '../acting/changes.ts';
import { changerOf } from '../acting/find-repository.ts';
import type { PullCaches } from '../acting/pull-caches.ts';
import { Rights } from '../acting/rights.ts';
import { moveProject, renameProject } from '../namespaces/place-renames.ts';
import { newPathOf, ociErrorOf, type RenameTarget } from '../namespaces/rename-rules.ts';

export interface RepositoryRenamesOptions {
  readonly database: Database;
  readonly rights: Pick<RepositoryRights, 'protectionLevel'>;
  readonly principals: Pick<Principals, 'find'>;
  readonly caches: PullCaches;
  readonly tagPatterns: TagPatterns;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface RenameRequest {
  readonly path: RepositoryName;
  readonly target: RenameTarget;
  /** Whose the lease is, as Writer.key says. */
  readonly holder: string;
}

/** Who renames; looked up before the transaction begins, which must use nothing but itself. */
interface Renamer {
  readonly actor: Actor;
  /** Their level in the project that the path is in, and in the one that it comes to, as RepositoryRights.protectionLevel says. */
  readonly level: number;
  readonly newLevel: number;
}

interface Moved {
  readonly project: Project;
  readonly newProject: Project;
  readonly newPath: RepositoryName;
}

/** For so long nothing is pushed to a path whose rename was announced, nor to one that was renamed. */
const leaseMs = 60_000;

/** What undoes a dry run. */
class Undone extends Error {}

export class RepositoryRenames {
  readonly #options: RepositoryRenamesOptions;
  readonly #places = new Rights();

  constructor(options: RepositoryRenamesOptions) {
    this.#options = options;
  }

  /**
   * Maintainers of the project, and of the one that it comes to, may rename.
   * @throws OciError NAME_UNKNOWN, DENIED, INVALID_BODY_PARAMETER, RENAME_CONFLICT, RENAME_IN_PROGRESS, EXCEEDS_LIMITS
   */
  async rename(actor: Actor, request: RenameRequest): Promise<void> {
    const { path, holder } = request;
    const renamer = await this.#look(actor, request);
    const groupId = await this.#run(async (tx) => {
      const { project, newProject, newPath } = await this.#move(tx, renamer, request);
      await tx.renameLeases.remove(newProject.id, newPath);
      const expiresAt = this.#options.now() + leaseMs;
      // Pushes that run are told by the lease, instead of making a repository of the old name anew. Nobody can push to a project's old name.
      if (path !== project.fullPath)
        await tx.renameLeases.put({ path, projectId: project.id, holder, state: 'over', expiresAt });
      return project.groupId;
    });
    this.#options.caches.forgetGroup(groupId);
  }

  /**
   * Whether {@link rename} would do it; and if so, nobody else renames it or pushes to it, or to its new name, until then.
   * @returns epoch milliseconds
   * @throws OciError as rename
   */
  async announce(actor: Actor, request: RenameRequest): Promise<number> {
    const { path, holder } = request;
    const renamer = await this.#look(actor, request);
    const expiresAt = this.#options.now() + leaseMs;
    let found: Moved | undefined;
    try {
      await this.#run(async (tx) => {
        found = await this.#move(tx, renamer, request);
        throw new Undone();
      });
    } catch (error) {
      if (!(error instanceof Undone) || !found) throw error;
      const { project, newProject, newPath } = found;
      const lease = { holder, state: 'announced', expiresAt } as const;
      await this.#run(async (tx) => {
        await tx.renameLeases.put({ ...lease, path, projectId: project.id });
        await tx.renameLeases.put({ ...lease, path: newPath, projectId: newProject.id });
      });
    }
    return expiresAt;
  }

  async #run<T>(run: (tx: Records) => Promise<T>): Promise<T> {
    try {
      return await runChange(this.#options.database, run);
    } catch (error) {
      throw ociErrorOf(error);
    }
  }

  /** @throws OciError DENIED for whom we do not know, and for other roles */
  async #look({ identity, ...actor }: Actor, { path, target }: RenameRequest): Promise<Renamer> {
    const { principals, rights } = this.#options;
    const newPath = newPathOf(path, target);
    const ref = identity.kind === 'registry-token' ? identity.principal : undefined;
    const who = identity.kind === 'registry-token' ? ref && (await principals.find(ref)) : identity;
    if (!who) throw renameDenied(path);
    const level = await rights.protectionLevel(who, path);
    if (level < accessLevels.maintainer) throw renameDenied(path);
    return {
      actor: { ...actor, identity: who },
      level,
      newLevel: await rights.protectionLevel(who, newPath),
    };
  }

  async #move(tx: Records, renamer: Renamer, request: RenameRequest): Promise<Moved> {
    const { path, target } = request;
    const newPath = newPathOf(path, target);
    const project = await tx.projects.findOwner(path);
    if (!project) throw nothingThere(path);
    await demandLease(tx, project, request);
    if (path === project.fullPath) {
      await this.#moveProject(tx, renamer.actor, project, target);
      return { project, newProject: project, newPath };
    }
    const newProject = await tx.projects.findOwner(newPath);
    const mayCome = newProject?.containerRegistryAccessLevel !== 'disabled';
    if (!newProject || !mayCome || renamer.newLevel < accessLevels.maintainer) throw renameDenied(newPath);
    const { actor, level, newLevel } = renamer;
    await renameRepositories(
      tx,
      this.#options.tagPatterns,
      targetOf(project, path, changerOf(actor, level)),
      targetOf(newProject, newPath, changerOf(actor, newLevel)),
    );
    return { project, newProject, newPath };
  }

  /** The rights are asked for as in the REST API. */
  async #moveProject(tx: Records, actor: Actor, { id }: Project, target: RenameTarget): Promise<void> {
    if ('name' in target) {
      const project = await this.#places.getProject(tx, actor, String(id), 'write');
      await renameProject(tx, actor, project, target.name);
    } else {
      const project = await this.#places.getProject(tx, actor, String(id), 'own');
      const group = await this.#places.getGroup(tx, actor, target.namespace, 'write');
      await moveProject(tx, actor, project, group);
    }
  }
}

function targetOf({ id, fullPath }: Project, name: RepositoryName, writer: Changer): WriteTarget {
  return { projectId: id, projectPath: fullPath, name, writer };
}

/** @throws OciError RENAME_IN_PROGRESS where someone else announced it */
async function demandLease(tx: Records, project: Project, { path, holder }: RenameRequest): Promise<void> {
  const lease = await tx.renameLeases.find(project.id, path);
  if (lease?.state !== 'announced' || lease.holder === holder) return;
  const detail = `${lease.path} is being renamed by someone else, until ${new Date(lease.expiresAt).toISOString()}`;
  throw new OciError('RENAME_IN_PROGRESS', { detail });
}
