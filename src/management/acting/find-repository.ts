/** Hosted repositories as the API names them: by their number, in their project. */
import type { Action } from '../../auth/rights/access.ts';
import { principalRefOf, userIdOf, writerKeyOf } from '../../auth/rights/identity.ts';
import { protectionLevelOf } from '../../auth/rights/project-roles.ts';
import type { Changer, WriteTarget } from '../../hosted/changes/write-target.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { ListedRepository } from '../../metadata/hosted/repository-lists.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import type { Writer } from '../../oci/repository.ts';
import { type Actor, askerOf, authorOf } from './actor.ts';
import { findLevel } from './needs.ts';
import { RefusedError } from './refused-error.ts';
import { Rights } from './rights.ts';

/** A repository as a path of the API names it. */
export interface RepositoryReference {
  /** The project's number or its full path. */
  readonly project: string;
  readonly id: number;
}

export interface FoundRepository {
  readonly project: Project;
  readonly repository: ListedRepository;
}

/**
 * @param action what the actor wants to do with it
 * @throws RefusedError unauthorized, forbidden, not-found
 */
export async function getRepository(
  records: Pick<Records, 'projects' | 'members' | 'repositoryLists'>,
  actor: Actor,
  { project: reference, id }: RepositoryReference,
  action: Action,
): Promise<FoundRepository> {
  const project = await new Rights().getProjectFor(records, actor, reference, action);
  const repository = await records.repositoryLists.find(id);
  if (repository?.projectId !== project.id) throw new RefusedError('not-found');
  return { project, repository };
}

/** As {@link getRepository}, for the operations of hosted repositories. @throws RefusedError unauthorized, forbidden, not-found */
export async function getWriteTarget(
  records: Pick<Records, 'projects' | 'members' | 'repositoryLists'>,
  actor: Actor,
  reference: RepositoryReference,
  action: Action,
): Promise<WriteTarget & Pick<FoundRepository, 'repository'>> {
  const { project, repository } = await getRepository(records, actor, reference, action);
  const writer = changerOf(actor, await protectionLevelIn(records, project, actor));
  return { projectId: project.id, projectPath: project.fullPath, name: repository.name, writer, repository };
}

/** @param protectionLevel what rules compare with what they ask for */
export function changerOf(actor: Actor, protectionLevel: number): Changer {
  const { identity, address } = actor;
  return { ...authorOf(actor), userId: userIdOf(identity), address, protectionLevel };
}

/** As {@link changerOf}, of whoever pushes. @throws RefusedError unauthorized */
export function writerOf(actor: Actor, protectionLevel: number): Writer {
  const changer = changerOf(actor, protectionLevel);
  return { ...changer, key: writerKeyOf(principalRefOf(askerOf(actor)), changer.name) };
}

/** The actor's level, which rules compare with what they ask for. @throws RefusedError unauthorized */
export async function protectionLevelIn(
  records: Pick<Records, 'members'>,
  project: Pick<Project, 'id' | 'fullPath'>,
  actor: Actor,
): Promise<number> {
  const asker = askerOf(actor);
  return protectionLevelOf(asker, project, await findLevel(records, asker, project.fullPath));
}
