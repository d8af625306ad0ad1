/**
 * The rules of who may do what, as pure functions of an identity and a role. Administrators need no role, but a token of theirs needs its
 * scope like any other.
 */

import type { Visibility } from '../../metadata/namespaces/groups.ts';
import type { Place } from '../../metadata/namespaces/place.ts';
import type { RegistryAccessLevel } from '../../metadata/namespaces/projects.ts';
import { type AccessLevel, accessLevels } from './access-levels.ts';
import {
  type AnonymousIdentity,
  type DeployTokenIdentity,
  type Identity,
  type JobIdentity,
  type Principal,
  type TokenScope,
  tokenScopes,
  type UserIdentity,
  unknownIdentity,
} from './identity.ts';
import { jobLevelIn } from './project-roles.ts';

/** The scopes that allow a purpose; one of them is enough. */
export const scopesFor = {
  'pull-virtual': ['api', 'read_virtual_registry'],
  'pull-hosted': ['api', 'read_registry', 'write_registry'],
  'change-hosted': ['api', 'write_registry'],
  read: ['api', 'read_api'],
  write: ['api'],
  'read-self': ['api', 'read_api', 'read_user'],
  /** Whoever holds a token may look at it, and revoke it. */
  'own-token': tokenScopes,
} as const satisfies Record<string, readonly TokenScope[]>;

export type Purpose = keyof typeof scopesFor;

/** Whether these credentials may be used for it at all, whatever their user's role. A password allows everything. */
export function hasScopeFor(
  { scopes }: Pick<UserIdentity | DeployTokenIdentity, 'scopes'>,
  purpose: Purpose,
): boolean {
  if (scopes === 'all') return true;
  return scopesFor[purpose].some((scope) => scopes.includes(scope));
}

/** The role that counts, since an administrator is an owner everywhere. Undefined: none. */
export function effectiveLevel(
  { isAdmin }: Pick<UserIdentity | JobIdentity, 'isAdmin'>,
  level: number | undefined,
): number | undefined {
  return isAdmin ? accessLevels.owner : level;
}

function hasLevel(user: UserIdentity, level: number | undefined, least: AccessLevel): boolean {
  return (effectiveLevel(user, level) ?? 0) >= least;
}

/** What can be done with a repository. */
export const actions = ['pull', 'push', 'delete'] as const;
export type Action = (typeof actions)[number];

/** The role that pulling from a private project needs, and seeing its repositories in lists. */
export const leastPullLevel = accessLevels.reporter;

/** What a project's visibility and its registry's setting ask for. What is impossible is so for administrators, too. */
export type Requirement = 'nothing' | 'sign-in' | AccessLevel | 'impossible';

const membersOnly = {
  pull: leastPullLevel,
  push: accessLevels.developer,
  delete: accessLevels.developer,
} as const;
const off = { pull: 'impossible', push: 'impossible', delete: 'impossible' } as const;

/** What projects ask for, by visibility, setting and action. */
export const projectRules: Record<
  Visibility,
  Record<RegistryAccessLevel, Readonly<Record<Action, Requirement>>>
> = {
  public: { enabled: { ...membersOnly, pull: 'nothing' }, private: membersOnly, disabled: off },
  internal: { enabled: { ...membersOnly, pull: 'sign-in' }, private: membersOnly, disabled: off },
  private: { enabled: membersOnly, private: membersOnly, disabled: off },
};

export interface RuledProject {
  readonly id: number;
  readonly fullPath: string;
  readonly visibility: Visibility;
  readonly containerRegistryAccessLevel: RegistryAccessLevel;
}

/**
 * Whether they may do it in the project. What nobody needs credentials for, no credentials take away.
 * @param level the role there of their user, if they have one
 */
export function mayUseProject(
  who: Principal | AnonymousIdentity,
  action: Action,
  project: RuledProject,
  level: number | undefined,
): boolean {
  const requirement = projectRules[project.visibility][project.containerRegistryAccessLevel][action];
  if (requirement === 'impossible' || requirement === 'nothing') return requirement === 'nothing';
  switch (who.kind) {
    case 'anonymous':
      return false;
    case 'user': {
      const isOpen = requirement === 'sign-in' || hasLevel(who, level, requirement);
      return isOpen && hasScopeFor(who, action === 'pull' ? 'pull-hosted' : 'change-hosted');
    }
    case 'deploy-token': {
      if (action === 'delete' || !isWithin(project, who.place)) return false;
      return hasScopeFor(who, action === 'pull' ? 'pull-hosted' : 'change-hosted');
    }
    case 'job': {
      if (action === 'pull' && project.id === who.project.id) return true;
      if (action === 'pull') return requirement === 'sign-in' || (level ?? 0) >= requirement;
      return jobLevelIn(who, project, level) >= accessLevels.developer;
    }
    default:
      return unknownIdentity(who);
  }
}

function isWithin(project: RuledProject, place: Place): boolean {
  if (place.kind === 'project') return project.id === place.id;
  return project.fullPath.startsWith(`${place.fullPath}/`);
}

/**
 * As {@link mayUseProject}, over the REST API: the endpoint has asked for the scope, and a job does not get beyond its own
 * project.
 */
export function mayUseRegistryOf(
  who: UserIdentity | JobIdentity | AnonymousIdentity,
  action: Action,
  project: RuledProject,
  level: number | undefined,
): boolean {
  if (who.kind === 'anonymous') return mayUseProject(who, action, project, level);
  if (who.kind === 'user') return mayUseProject({ ...who, scopes: 'all' }, action, project, level);
  return project.id === who.project.id && mayUseProject(who, action, project, level);
}

export interface RuledRegistry {
  /** The top-level group that it belongs to. */
  readonly group: { readonly id: number; readonly fullPath: string };
  readonly anonymousPull: boolean;
}

/**
 * Whether they may pull through the virtual registry.
 * @param isMember whether their user, if they have one, has a role in its group, or in a group or project below that
 */
export function mayPullVirtual(
  who: Principal | AnonymousIdentity,
  { group, anonymousPull }: RuledRegistry,
  isMember: boolean,
): boolean {
  if (anonymousPull) return true;
  switch (who.kind) {
    case 'anonymous':
      return false;
    case 'user':
      return hasScopeFor(who, 'pull-virtual') && (isMember || who.isAdmin) && who.isProjectBot !== true;
    case 'deploy-token':
      return hasScopeFor(who, 'pull-virtual') && who.place.kind === 'group' && who.place.id === group.id;
    case 'job':
      return isMember || isJobOf(who, group);
    default:
      return unknownIdentity(who);
  }
}

/**
 * Whether they may pull all that is hosted in a group and below it, whatever the visibility of its projects.
 * @param level the role in the group of their user, if they have one
 */
export function mayPullGroup(
  who: Principal | AnonymousIdentity,
  group: { readonly fullPath: string },
  level: number | undefined,
): boolean {
  switch (who.kind) {
    case 'anonymous':
    case 'job':
      return false;
    case 'user':
      return hasScopeFor(who, 'pull-hosted') && (effectiveLevel(who, level) ?? 0) >= leastPullLevel;
    case 'deploy-token': {
      const { kind, fullPath } = who.place;
      const isInside = kind === 'group' && `${group.fullPath}/`.startsWith(`${fullPath}/`);
      return isInside && hasScopeFor(who, 'pull-hosted');
    }
    default:
      return unknownIdentity(who);
  }
}

/** Whether they may look at the virtual registries of a group. @param isMember as of {@link mayPullVirtual} */
export function mayReadRegistries(
  who: UserIdentity | JobIdentity,
  group: Pick<RuledRegistry['group'], 'fullPath'>,
  isMember: boolean,
): boolean {
  if (who.kind === 'job') return isMember || isJobOf(who, group);
  return hasScopeFor(who, 'read') && (isMember || who.isAdmin) && who.isProjectBot !== true;
}

/** Whether it is a job of this project, or of one in this group. */
export function isJobOf({ project }: JobIdentity, place: { readonly fullPath: string }): boolean {
  return `${project.fullPath}/`.startsWith(`${place.fullPath}/`);
}

/** Whether they may see a list of the hosted repositories that they may pull from. */
export function mayList(who: Principal | AnonymousIdentity): boolean {
  switch (who.kind) {
    case 'anonymous':
      return false;
    case 'user':
    case 'deploy-token':
      return hasScopeFor(who, 'pull-hosted');
    case 'job':
      return true;
    default:
      return unknownIdentity(who);
  }
}

/** Whether they may see what belongs to a group, having this role in it. */
export function mayRead(user: UserIdentity, level: number | undefined): boolean {
  return hasScopeFor(user, 'read') && hasLevel(user, level, accessLevels.guest);
}

/** Whether they may change what belongs to a group, having this role in it. */
export function mayWrite(user: UserIdentity, level: number | undefined): boolean {
  return hasScopeFor(user, 'write') && hasLevel(user, level, accessLevels.maintainer);
}

/**
 * Whether a member may give, change or take away this role of someone else: Maintainers may up to their own, Owners any.
 */
export function mayGrant(user: UserIdentity, level: number | undefined, granted: number): boolean {
  return mayWrite(user, level) && granted <= (effectiveLevel(user, level) ?? 0);
}

/** Whether they may change users and see everyone's tokens. */
export function isAdministrator(identity: Identity, purpose: 'read' | 'write'): boolean {
  return identity.kind === 'user' && identity.isAdmin && hasScopeFor(identity, purpose);
}
