/** Projects: what repositories that are pushed to belong to. */

import { accessLevels } from '../../auth/rights/access-levels.ts';
import { deletePlace } from '../../hosted/repositories/place-deletion.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Keyset, KeysetPart, Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Group, Visibility } from '../../metadata/namespaces/groups.ts';
import type { ProjectFilter, ProjectOrder } from '../../metadata/namespaces/project-filter.ts';
import type { Project, ProjectChanges, RegistryAccessLevel } from '../../metadata/namespaces/projects.ts';
import { parentPathOf } from '../../oci/reference.ts';
import type { Actor } from '../acting/actor.ts';
import { authorOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { demandUnmodified } from '../acting/preconditions.ts';
import type { PullCaches } from '../acting/pull-caches.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';
import { type CleanupPolicyChanges, changeCleanupPolicy } from '../cleanup/cleanup-policies.ts';
import type { ApplicationSettings } from '../server/application-settings.ts';
import { tellExposures } from './exposures.ts';
import { type NamedProject, nameProjects } from './full-names.ts';
import { pathFromName } from './paths.ts';
import { ensurePersonalNamespace } from './personal-namespaces.ts';
import { renameProject } from './place-renames.ts';
import { createProject } from './project-creation.ts';
import { visibleProjectsOf } from './visibility.ts';

export type { NamedProject };

export interface ProjectInput {
  /** Undefined: the namespace of the user who creates it. */
  readonly groupId?: number | undefined;
  /** One of name and path is there; the other follows from it. */
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  readonly description?: string | undefined;
  readonly visibility: Visibility;
  /** Undefined: what new projects have. */
  readonly containerRegistryAccessLevel?: RegistryAccessLevel | undefined;
  /** Undefined: as of the defaults. */
  readonly cleanupPolicy?: CleanupPolicyChanges | undefined;
}

export type ProjectSearch = Omit<ProjectFilter, 'visibleTo'>;

export interface ProjectServiceOptions {
  readonly database: Database;
  readonly caches: PullCaches;
  readonly settings: Pick<ApplicationSettings, 'defaultAccessLevel'>;
  /** Whether users have namespaces of their own. */
  readonly hasPersonalNamespaces: boolean;
  readonly now: () => number;
}

/** What is undefined stays as it is. */
export interface ProjectUpdate extends ProjectChanges, Pick<ProjectInput, 'cleanupPolicy'> {
  /** The last segment of its full path: another one renames its repositories, too. */
  readonly path?: string | undefined;
}

export class ProjectService {
  readonly #database: Database;
  readonly #rights = new Rights();
  readonly #caches: PullCaches;
  readonly #settings: ProjectServiceOptions['settings'];
  readonly #hasPersonalNamespaces: boolean;
  readonly #now: () => number;

  /** @param now epoch milliseconds */
  constructor({ database, caches, settings, hasPersonalNamespaces, now }: ProjectServiceOptions) {
    this.#database = database;
    this.#caches = caches;
    this.#settings = settings;
    this.#hasPersonalNamespaces = hasPersonalNamespaces;
    this.#now = now;
  }

  /** The projects that the actor may know of. */
  async list(
    actor: Actor,
    search: ProjectSearch,
    order: ProjectOrder,
    page: Page,
  ): Promise<Paged<NamedProject>> {
    const filter = { ...search, visibleTo: visibleProjectsOf(actor) };
    const found = await this.#database.projects.list(filter, page, order);
    return { ...found, records: await nameProjects(this.#database, found.records) };
  }

  /** As {@link list}, by number, after another one. */
  async listAfter(actor: Actor, search: ProjectSearch, keyset: Keyset): Promise<KeysetPart<NamedProject>> {
    const filter = { ...search, visibleTo: visibleProjectsOf(actor) };
    const { records, hasMore } = await this.#database.projects.listAfter(filter, keyset);
    return { records: await nameProjects(this.#database, records), hasMore };
  }

  /**
   * As {@link list}, of the projects in a group.
   * @param reference number or full path
   * @param scope whether what is in its subgroups counts
   * @throws RefusedError not-found
   */
  async listInGroup(
    actor: Actor,
    reference: string,
    scope: 'alone' | 'with-subgroups',
    search: ProjectSearch,
    order: ProjectOrder,
    page: Page,
  ): Promise<Paged<NamedProject>> {
    const { id, fullPath } = await this.#rights.getGroup(this.#database, actor, reference, 'see');
    const place = scope === 'alone' ? { groupId: id } : { below: fullPath };
    return this.list(actor, { ...search, ...place }, order, page);
  }

  /** @param reference number or full path. @throws RefusedError not-found */
  async get(actor: Actor, reference: string): Promise<NamedProject> {
    return named(this.#database, await this.#rights.getProject(this.#database, actor, reference, 'see'));
  }

  /**
   * How many bytes its repositories link, each blob counted once. Reporters and above see it; undefined for others.
   * @param project that the actor may see
   */
  async findSize(actor: Actor, { id, fullPath }: Project): Promise<number | undefined> {
    const mayKnow = await this.#rights.hasRole(this.#database, actor, fullPath, accessLevels.reporter);
    return mayKnow ? this.#database.repositoryBlobs.bytesOfProject(id) : undefined;
  }

  /**
   * Maintainers of the group create projects in it, and users in their own namespace.
   * @throws RefusedError forbidden, invalid (also for a group that they may not know of)
   */
  async create(actor: Actor, input: ProjectInput): Promise<NamedProject> {
    const { groupId, name = input.path ?? '', path = pathFromName(name), ...plan } = input;
    if (path === '') throw new RefusedError('invalid', { path: ["can't be blank"] });
    if (groupId === undefined && !this.#hasPersonalNamespaces)
      throw new RefusedError('parameters', 'namespace_id is missing');
    const { containerRegistryAccessLevel = await this.#settings.defaultAccessLevel() } = plan;
    return runChange(this.#database, async (tx) => {
      const group = await (groupId === undefined
        ? ensurePersonalNamespace(tx, actor)
        : this.#getNamespace(tx, actor, groupId));
      const whole = { ...plan, name, path, containerRegistryAccessLevel };
      return named(tx, await createProject(tx, actor, group, whole, this.#now()));
    });
  }

  /** Maintainers change a project, and Owners its quota. @throws RefusedError not-found, forbidden, invalid */
  async update(
    actor: Actor,
    reference: string,
    { cleanupPolicy, path, ...changes }: ProjectUpdate,
  ): Promise<NamedProject> {
    const updated = await runChange(this.#database, async (tx) => {
      const known = await this.#rights.getProject(tx, actor, reference, 'write');
      const { id, groupId } = known;
      const fullPath = path === undefined ? known.fullPath : await renameProject(tx, actor, known, path);
      if (changes.quotaBytes !== undefined) await this.#demandQuotaRight(tx, actor, parentPathOf(fullPath));
      const project = await tx.projects.update(id, changes);
      if (!project) throw new RefusedError('not-found', 'Project');
      const policy = cleanupPolicy && (await changeCleanupPolicy(tx, id, cleanupPolicy, this.#now()));
      const { name, description, visibility, containerRegistryAccessLevel, quotaBytes } = changes;
      await recordChange(tx, actor, {
        action: 'project.update',
        targetId: id,
        details: {
          groupId,
          path: fullPath,
          name,
          description,
          visibility,
          containerRegistryAccessLevel,
          containerRegistryQuotaBytes: quotaBytes,
          cleanupPolicy: policy,
        },
        projectPath: fullPath,
      });
      const isOpened = [path, visibility, containerRegistryAccessLevel].some((each) => each !== undefined);
      if (isOpened) await tellExposures(tx, actor, { path: fullPath });
      return named(tx, project);
    });
    if (path !== undefined) this.#caches.forgetGroup(updated.groupId);
    return updated;
  }

  /** Owners of the group remove a project with its repositories. @throws RefusedError not-found, forbidden, precondition-failed */
  async remove(actor: Actor, reference: string, unmodifiedSince: number | undefined): Promise<void> {
    await runChange(this.#database, async (tx) => {
      const project = await this.#rights.getProject(tx, actor, reference, 'own');
      demandUnmodified(project, unmodifiedSince);
      if (!(await tx.projects.hold(project.id))) throw new RefusedError('not-found', 'Project');
      await deletePlace(tx, authorOf(actor), { ...project, kind: 'project' });
      await recordChange(tx, actor, {
        action: 'project.delete',
        targetId: project.id,
        details: { groupId: project.groupId, name: project.name, path: project.fullPath },
        projectPath: project.fullPath,
      });
    });
  }

  async #demandQuotaRight(tx: Records, actor: Actor, groupPath: string): Promise<void> {
    if (await this.#rights.hasRole(tx, actor, groupPath, accessLevels.owner)) return;
    throw new RefusedError('forbidden', 'only Owners of its group set the quota of a project');
  }

  /** The group to create a project in. GitLab says the same of one that someone cannot use, whether or not there is one. */
  async #getNamespace(tx: Records, actor: Actor, groupId: number): Promise<Group> {
    try {
      return await this.#rights.getGroup(tx, actor, String(groupId), 'write');
    } catch (error) {
      if (!(error instanceof RefusedError) || error.kind !== 'not-found') throw error;
      throw new RefusedError('invalid', { namespace: ['is not valid'] }, { cause: error });
    }
  }
}

async function named(
  records: Pick<Records, 'groups' | 'cleanupPolicies'>,
  project: Project,
): Promise<NamedProject> {
  const [only] = await nameProjects(records, [project]);
  if (!only) throw new RefusedError('not-found', 'Project');
  return only;
}
