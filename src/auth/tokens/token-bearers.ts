/** Whom a recorded token stands for, as long as it is good. */
import type { Users } from '../../metadata/people/users.ts';
import type { AccessToken } from '../../metadata/tokens/access-tokens.ts';
import type { DeployToken } from '../../metadata/tokens/deploy-tokens.ts';
import type { JobToken } from '../../metadata/tokens/job-tokens.ts';
import { identifyUser } from '../credentials/identify-user.ts';
import { type Refusal, refuse } from '../credentials/refusal.ts';
import { isAccessLevel } from '../rights/access-levels.ts';
import {
  type DeployTokenIdentity,
  isTokenScope,
  type JobIdentity,
  type UserIdentity,
} from '../rights/identity.ts';

/** A user, or the bot of a group or project. @param now epoch milliseconds */
export async function identifyTokenOwner(
  token: AccessToken | undefined,
  users: Pick<Users, 'find'>,
  now: number,
): Promise<UserIdentity | Refusal> {
  if (!token) return refuse('unknown', 'there is no such access token');
  const fault = findFault(token, now);
  if (fault) return fault;
  const found = identifyUser(await users.find(token.userId));
  if (found.kind === 'refused') return found;
  const { passwordMark: _, ...owner } = found;
  return { ...owner, scopes: token.scopes.filter(isTokenScope), tokenId: token.id };
}

/** @param now epoch milliseconds */
export function identifyDeployToken(
  token: DeployToken | undefined,
  now: number,
): DeployTokenIdentity | Refusal {
  if (!token) return refuse('unknown', 'there is no such deploy token');
  const fault = findFault(token, now);
  if (fault) return fault;
  const { id: tokenId, username, scopes, place } = token;
  return { kind: 'deploy-token', tokenId, username, scopes: scopes.filter(isTokenScope), place };
}

/** A job, which ends with its user who is blocked or gone. @param now epoch milliseconds */
export async function identifyJob(
  token: JobToken | undefined,
  users: Pick<Users, 'find'>,
  now: number,
): Promise<JobIdentity | Refusal> {
  if (!token || !isAccessLevel(token.accessLevel)) return refuse('unknown', 'there is no such job token');
  const fault = findFault(token, now);
  if (fault) return fault;
  const { id: jobTokenId, userId, trustId, name, accessLevel, expiresAt } = token;
  const project = { id: token.projectId, fullPath: token.projectPath };
  if (userId !== undefined) {
    const user = await users.find(userId);
    if (!user) return refuse('unknown', 'the user of the job is gone');
    if (user.state === 'blocked') return refuse('blocked');
  }
  return { kind: 'job', jobTokenId, trustId, name, userId, isAdmin: false, project, accessLevel, expiresAt };
}

function findFault(
  { expiresAt = Number.POSITIVE_INFINITY, revokedAt }: Pick<AccessToken, 'expiresAt' | 'revokedAt'>,
  now: number,
): Refusal | undefined {
  if (revokedAt !== undefined) return refuse('revoked');
  return expiresAt <= now ? refuse('expired') : undefined;
}
