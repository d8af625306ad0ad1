/**
 * What a registry token may carry: of what was asked for, that which they may do. Clients expect the rest to be left
 * out, so it is only noted in the token, for the request that will need it. And what one carries.
 */
import { findPathOfBelow, isRepositoryName } from '../oci/reference.ts';
import { actions, isAdministrator, mayList } from './access.ts';
import type { AnonymousIdentity, Principal, RegistryTokenIdentity, ScopeGrant } from './identity.ts';
import type { RepositoryRights } from './repository-rights.ts';
import { catalogScope, repositoryScope, statisticsScope } from './scope.ts';

export interface Grants {
  readonly granted: readonly ScopeGrant[];
  /** Only what a request could need: what means nothing here is neither granted nor refused. */
  readonly refused: readonly ScopeGrant[];
  /** A repository that they asked to push to, where a protection rule, and nothing else, keeps them from it. */
  readonly protectedFromPush: string | undefined;
}

export async function grantScopes(
  who: Principal | AnonymousIdentity,
  wanted: readonly ScopeGrant[],
  rights: Pick<RepositoryRights, 'judge' | 'findProject'>,
): Promise<Grants> {
  const granted: ScopeGrant[] = [];
  const refused: ScopeGrant[] = [];
  let protectedFromPush: string | undefined;
  for (const { type, name, actions: asked } of wanted) {
    if (type === catalogScope.type && name === catalogScope.name && asked.includes('*')) {
      (mayList(who) ? granted : refused).push(catalogScope);
    } else if (type === statisticsScope.type && name === statisticsScope.name && asked.includes('*')) {
      (isAdministrator(who, 'read') ? granted : refused).push(statisticsScope);
    } else if (type === 'repository' && (isRepositoryName(name) || findPathOfBelow(name) !== undefined)) {
      const [allowed, denied]: [string[], string[]] = [[], []];
      for (const action of actions) {
        if (!asked.includes(action) && !asked.includes('*')) continue;
        const verdict = await rights.judge(who, name, action);
        (verdict === 'allowed' ? allowed : denied).push(action);
        if (verdict === 'protected' && action === 'push' && asked.includes(action)) protectedFromPush = name;
      }
      if (allowed.length > 0) {
        const project = await rights.findProject(name);
        granted.push({ ...repositoryScope(name, allowed), ...(project && { project: project.id }) });
      }
      if (denied.length > 0) refused.push(repositoryScope(name, denied));
    }
  }
  return { granted, refused, protectedFromPush };
}

/** Does a registry token carry every action of the scope, for exactly this resource? */
export function carries(token: RegistryTokenIdentity, scope: ScopeGrant): boolean {
  return scope.actions.every((action) => lists(token.access, scope, action));
}

/** Was one of them asked for when the token was issued, and not granted? */
export function wasRefused(token: RegistryTokenIdentity, scope: ScopeGrant): boolean {
  return scope.actions.some((action) => lists(token.refused, scope, action));
}

function lists(grants: readonly ScopeGrant[], { type, name }: ScopeGrant, action: string): boolean {
  return grants.some((grant) => grant.type === type && grant.name === name && grant.actions.includes(action));
}
