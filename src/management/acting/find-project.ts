/** Projects as the API names them. */

import type { Records } from '../../metadata/db/records.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { RefusedError } from './refused-error.ts';

/**
 * @param reference the project's number or its full path
 * @throws RefusedError not-found
 */
export async function getProject(
  { projects }: Pick<Records, 'projects'>,
  reference: string,
): Promise<Project> {
  const isNumber = /^\d{1,15}$/.test(reference);
  const project = isNumber
    ? await projects.find(Number(reference))
    : await projects.findByPath(reference.toLowerCase());
  if (!project) throw new RefusedError('not-found', 'Project');
  return project;
}
