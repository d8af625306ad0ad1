/**
 * The rules of who may do what, as pure functions of an identity and a role. Roles are GitLab's numbers, so 40 is 40 in
 * the API, in the records and here. Administrators need no role, but a token of theirs needs its scope like any other.
 */
import type { Visibility } from '../metadata/groups.ts';
import {
  type Identity,
  type RegistryTokenIdentity,
  type ScopeGrant,
  type TokenScope,
  tokenScopes,
  type UserIdentity,
} from './identity.ts';

export const accessLevels = {
  guest: 10,
  planner: 15,
  reporter: 20,
  developer: 30,
  maintainer: 40,
  owner: 50,
} as const;

export type AccessLevel = (typeof accessLevels)[keyof typeof accessLevels];

export function isAccessLevel(level: number): level is AccessLevel {
  return Object.values(accessLevels).some((known) => known === level);
}

/** Which scopes allow a purpose; one of them is enough. */
export const scopesFor = {
  'pull-virtual': ['api', 'read_virtual_registry'],
  'pull-hosted': ['api', 'read_registry', 'write_registry'],
  'change-hosted': ['api', 'write_registry'],
  read: ['api', 'read_api'],
  write: ['api'],
  'read-self': ['api', 'read_api', 'read_user'],
  /** To look at the token itself, or to revoke it: whoever holds it may. */
  'own-token': tokenScopes,
} as const satisfies Record<string, readonly TokenScope[]>;

export type Purpose = keyof typeof scopesFor;

/** May these credentials be used for it at all, whatever their user's role? A password allows everything. */
export function hasScopeFor(user: UserIdentity, purpose: Purpose): boolean {
  const { scopes } = user;
  if (scopes === 'all') return true;
  return scopesFor[purpose].some((scope) => scopes.includes(scope));
}

/** The role that counts: an administrator is an owner everywhere. Undefined: none. */
export function effectiveLevel(user: UserIdentity, level: number | undefined): number | undefined {
  return user.isAdmin ? accessLevels.owner : level;
}

function hasLevel(user: UserIdentity, level: number | undefined, least: AccessLevel): boolean {
  return (effectiveLevel(user, level) ?? 0) >= least;
}

/** May they pull through a virtual registry, having this role in its top-level group? */
export function mayPullVirtual(user: UserIdentity, level: number | undefined): boolean {
  return hasScopeFor(user, 'pull-virtual') && hasLevel(user, level, accessLevels.guest);
}

/** What can be done with a repository. */
export const actions = ['pull', 'push', 'delete'] as const;
export type Action = (typeof actions)[number];

/** The role that pulling from a private project needs, and seeing its repositories in lists. */
export const leastPullLevel = accessLevels.reporter;

/**
 * May they do it in a project of this visibility, having this role in its group? Whoever is signed in pulls from what is
 * internal or public; changing needs a role everywhere.
 */
export function mayUseHosted(
  user: UserIdentity,
  action: Action,
  visibility: Visibility,
  level: number | undefined,
): boolean {
  if (action !== 'pull') {
    return hasScopeFor(user, 'change-hosted') && hasLevel(user, level, accessLevels.developer);
  }
  const isOpen = visibility !== 'private' || hasLevel(user, level, leastPullLevel);
  return hasScopeFor(user, 'pull-hosted') && isOpen;
}

/** May they see a list of the hosted repositories that they may pull from? */
export function mayList(user: UserIdentity): boolean {
  return hasScopeFor(user, 'pull-hosted');
}

/** May they see what belongs to a group, having this role in it? */
export function mayRead(user: UserIdentity, level: number | undefined): boolean {
  return hasScopeFor(user, 'read') && hasLevel(user, level, accessLevels.guest);
}

/** May they change what belongs to a group, having this role in it? */
export function mayWrite(user: UserIdentity, level: number | undefined): boolean {
  return hasScopeFor(user, 'write') && hasLevel(user, level, accessLevels.maintainer);
}

/**
 * May a member give, change or take away this role of someone else? Maintainers up to their own, owners any.
 */
export function mayGrant(user: UserIdentity, level: number | undefined, granted: number): boolean {
  return mayWrite(user, level) && granted <= (effectiveLevel(user, level) ?? 0);
}

/** May they change users and see everyone's tokens? */
export function isAdministrator(identity: Identity, purpose: 'read' | 'write'): boolean {
  return identity.kind === 'user' && identity.isAdmin && hasScopeFor(identity, purpose);
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
