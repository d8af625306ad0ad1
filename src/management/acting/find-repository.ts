/** Hosted repositories as the API names them: by their number, in their project. */
import type { Action } from '../../auth/rights/access.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { ListedRepository } from '../../metadata/hosted/repository-lists.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import type { Actor } from './actor.ts';
import { RefusedError } from './refused-error.ts';
import { Rights } from './rights.ts';

/** As a path of the API names one. */
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

/** Where nothing may be deleted. @throws RefusedError bad-request */
export function demandDeleting(deleteEnabled: boolean): void {
  if (!deleteEnabled)
    throw new RefusedError('bad-request', 'deleting is turned off here (storage.delete_enabled)');
}

/** @throws RefusedError conflict where it is on its way out */
export function demandLasting({ name, status }: Pick<ListedRepository, 'name' | 'status'>): void {
  if (status === 'delete_scheduled' || status === 'delete_ongoing')
    throw new RefusedError('conflict', `409 Conflict - ${name} is being deleted`);
}
