/**
 * What a registry token may carry: of what was asked for, that which they may do. Clients expect the rest to be left
 * out, so it is only noted in the token, for the request that will need it. And what one carries.
 */
import { setImmediate } from 'node:timers/promises';
import { findPathOfBelow, isRepositoryName } from '../../oci/reference.ts';
import { actions, isAdministrator, mayList } from '../rights/access.ts';
import type { AnonymousIdentity, Principal, RegistryTokenIdentity, ScopeGrant } from '../rights/identity.ts';
import type { RepositoryRights } from '../rights/repository-rights.ts';
import { catalogScope, repositoryScope, statisticsScope } from '../rights/scope.ts';

/** How many scopes are looked at, since each costs a look at the records. Those that were asked for last count: clients append. */
export const maxScopes = 512;
/** Between these, other requests have their turn: SQLite answers without waiting, and PostgreSQL has few connections. */
const looksAtOnce = 4;

export interface Grants {
  readonly granted: readonly ScopeGrant[];
  /** What was not granted, as far as a request could need it: what means nothing here is neither granted nor refused. */
  readonly refused: readonly ScopeGrant[];
  /** A repository that they asked to push to, where a protection rule, and nothing else, keeps them from it. */
  readonly protectedFromPush: string | undefined;
  /** How many were not looked at, since there were too many: they are the first ones. */
  readonly omitted: number;
}

export async function grantScopes(
  who: Principal | AnonymousIdentity,
  wanted: readonly ScopeGrant[],
  rights: Pick<RepositoryRights, 'judge' | 'findProject'>,
): Promise<Grants> {
  const omitted = Math.max(0, wanted.length - maxScopes);
  const looked: Looked[] = [];
  for (let start = omitted; start < wanted.length; start += looksAtOnce) {
    if (start > omitted) await setImmediate();
    const scopes = wanted.slice(start, start + looksAtOnce);
    looked.push(...(await Promise.all(scopes.map((scope) => look(who, scope, rights)))));
  }
  return {
    granted: looked.flatMap(({ granted }) => granted ?? []),
    refused: looked.flatMap(({ refused }) => refused ?? []),
    protectedFromPush: looked.findLast((each) => each.protectedFromPush !== undefined)?.protectedFromPush,
    omitted,
  };
}

/** What became of one scope. */
interface Looked {
  readonly granted?: ScopeGrant;
  readonly refused?: ScopeGrant;
  readonly protectedFromPush?: string;
}

async function look(
  who: Principal | AnonymousIdentity,
  { type, name, actions: asked }: ScopeGrant,
  rights: Pick<RepositoryRights, 'judge' | 'findProject'>,
): Promise<Looked> {
  if (type === catalogScope.type && name === catalogScope.name && asked.includes('*'))
    return mayList(who) ? { granted: catalogScope } : { refused: catalogScope };
  if (type === statisticsScope.type && name === statisticsScope.name && asked.includes('*'))
    return isAdministrator(who, 'read') ? { granted: statisticsScope } : { refused: statisticsScope };
  if (type !== 'repository' || (!isRepositoryName(name) && findPathOfBelow(name) === undefined)) return {};
  const [allowed, denied]: [string[], string[]] = [[], []];
  let isProtectedFromPush = false;
  for (const action of actions) {
    if (!asked.includes(action) && !asked.includes('*')) continue;
    const verdict = await rights.judge(who, name, action);
    (verdict === 'allowed' ? allowed : denied).push(action);
    if (verdict === 'protected' && action === 'push' && asked.includes(action)) isProtectedFromPush = true;
  }
  const project = allowed.length > 0 ? await rights.findProject(name, who) : undefined;
  return {
    ...(allowed.length > 0 && {
      granted: { ...repositoryScope(name, allowed), ...(project && { project: project.id }) },
    }),
    ...(denied.length > 0 && { refused: repositoryScope(name, denied) }),
    ...(isProtectedFromPush && { protectedFromPush: name }),
  };
}

/** Whether a registry token carries every action of the scope, for exactly this resource. */
export function carries(token: RegistryTokenIdentity, scope: ScopeGrant): boolean {
  return scope.actions.every((action) => lists(token.access, scope, action));
}

/** Whether one of the scope's actions was asked for when the token was issued, and not granted. */
export function wasRefused(token: RegistryTokenIdentity, scope: ScopeGrant): boolean {
  return scope.actions.some((action) => lists(token.refused, scope, action));
}

function lists(grants: readonly ScopeGrant[], { type, name }: ScopeGrant, action: string): boolean {
  return grants.some((grant) => grant.type === type && grant.name === name && grant.actions.includes(action));
}
