/** The identity of a recorded user who gave their password. */
import type { User } from '../../metadata/people/users.ts';
import type { UserIdentity } from '../rights/identity.ts';
import { markPassword } from './passwords.ts';
import { type Refusal, refuse } from './refusal.ts';

export function identifyUser(user: User | undefined): UserIdentity | Refusal {
  if (!user) return refuse('unknown', 'there is no such user');
  if (user.state === 'blocked') return refuse('blocked');
  const { id, username, isAdmin, botProjectId, passwordHash } = user;
  return {
    kind: 'user',
    userId: id,
    username,
    isAdmin,
    scopes: 'all',
    ...(botProjectId !== undefined && { isProjectBot: true }),
    ...(passwordHash !== undefined && { passwordMark: markPassword(passwordHash) }),
  };
}
