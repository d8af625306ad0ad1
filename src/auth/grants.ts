/** What a registry token may carry: of what was asked for, that which the user may do. The rest is left out, as clients expect. */
import type { ScopeGrant, UserIdentity } from './identity.ts';
import type { PullRights } from './pull-rights.ts';

export async function grantScopes(
  user: UserIdentity,
  wanted: readonly ScopeGrant[],
  pullRights: PullRights,
): Promise<readonly ScopeGrant[]> {
  const granted: ScopeGrant[] = [];
  for (const { type, name, actions } of wanted) {
    if (type !== 'repository' || !actions.includes('pull')) continue;
    if (await pullRights.mayPull(user, name)) granted.push({ type, name, actions: ['pull'] });
  }
  return granted;
}
