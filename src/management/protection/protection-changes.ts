/** What changes of protection rules of every kind have in common. GitLab refuses them with whole sentences. */
import { accessLevels } from '../../auth/rights/access-levels.ts';
import type { Records } from '../../metadata/db/records.ts';
import { UniqueViolation } from '../../metadata/db/violations.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import type { Actor } from '../acting/actor.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';

export const tooManyRules = 'Maximum number of protection rules have been reached.';

/** @param sentences what is wrong, for people */
export function unprocessable(...sentences: readonly string[]): RefusedError {
  return new RefusedError('unprocessable', { error: sentences });
}

/** @throws RefusedError unprocessable where there is such a rule already, and as {@link runChange} */
export async function runRuleChange<T>(
  database: Parameters<typeof runChange>[0],
  attribute: string,
  run: (tx: Records) => Promise<T>,
): Promise<T> {
  try {
    return await runChange(database, run);
  } catch (error) {
    throw error instanceof UniqueViolation ? unprocessable(`${attribute} has already been taken`) : error;
  }
}

/** For Maintainers, who see the rules; other members learn of one when they meet it. @throws RefusedError */
export async function getProjectToRead(records: Records, actor: Actor, reference: string): Promise<Project> {
  const rights = new Rights();
  const project = await rights.getProject(records, actor, reference, 'see');
  if (await rights.hasRole(records, actor, project.fullPath, accessLevels.maintainer)) return project;
  throw new RefusedError('forbidden');
}

/** How many rules there are stays so until the transaction ends. @param need own: for Owners. @throws RefusedError */
export async function getProjectToChange(
  tx: Records,
  actor: Actor,
  reference: string,
  need: 'write' | 'own',
): Promise<Project> {
  const project = await new Rights().getProject(tx, actor, reference, need);
  if (!(await tx.projects.hold(project.id))) throw new RefusedError('not-found', 'Project');
  return project;
}
