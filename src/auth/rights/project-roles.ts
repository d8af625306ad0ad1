/** What counts as someone's role in a project when they change something there: pure functions beside access.ts. */
import { protectionLevels } from '../../rules/protection-levels.ts';
import { type AnonymousIdentity, type JobIdentity, type Principal, unknownIdentity } from './identity.ts';

/** The level of a job, which only changes its own project. Its user's role counts as well, or it would go on pushing for someone who left. */
export function jobLevelIn(
  job: JobIdentity,
  project: { readonly id: number },
  level: number | undefined,
): number {
  if (project.id !== job.project.id) return 0;
  return job.userId === undefined ? job.accessLevel : Math.min(job.accessLevel, level ?? 0);
}

/**
 * What protection rules compare with what they ask for: a role, or more than all of them for administrators. Deploy tokens have no
 * role, so they neither push to protected repositories nor move protected tags.
 * @param level the role in the project of their user, if they have one
 */
export function protectionLevelOf(
  who: Principal | AnonymousIdentity,
  project: { readonly id: number },
  level: number | undefined,
): number {
  switch (who.kind) {
    case 'anonymous':
    case 'deploy-token':
      return 0;
    case 'user':
      return who.isAdmin ? protectionLevels.admin : (level ?? 0);
    case 'job':
      return jobLevelIn(who, project, level);
    default:
      return unknownIdentity(who);
  }
}
