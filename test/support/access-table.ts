/**
 * Who may do what, as GitLab documents it, in one table: visibility and setting of the project, role, scope, kind of
 * credential. It knows nothing of the server's own rules, since it is what they are compared with.
 */

export const visibilities = ['public', 'internal', 'private'] as const;
export const settings = ['enabled', 'private', 'disabled'] as const;
export const operations = ['pull', 'push', 'delete'] as const;
export type Operation = (typeof operations)[number];
type Visibility = (typeof visibilities)[number];
type Setting = (typeof settings)[number];

export interface TableProject {
  readonly id: number;
  readonly path: string;
  readonly visibility: Visibility;
  readonly setting: Setting;
}

/** Who may pull: the container registry's visibility. */
const whoPulls: Record<Visibility, Record<Setting, 'everyone' | 'signed in' | 'Reporter' | 'nobody'>> = {
  public: { enabled: 'everyone', private: 'Reporter', disabled: 'nobody' },
  internal: { enabled: 'signed in', private: 'Reporter', disabled: 'nobody' },
  private: { enabled: 'Reporter', private: 'Reporter', disabled: 'nobody' },
};
const [guest, reporter, developer] = [10, 20, 30];

/** What each scope of a token is good for. */
const scopeTable = {
  api: ['pull', 'push', 'delete', 'virtual', 'catalog'],
  read_registry: ['pull', 'catalog'],
  write_registry: ['pull', 'push', 'delete', 'catalog'],
  read_virtual_registry: ['virtual'],
  write_virtual_registry: [],
  read_api: [],
  read_user: [],
} as const satisfies Record<string, readonly (Operation | 'virtual' | 'catalog')[]>;

export type TableScope = keyof typeof scopeTable;
export const tableScopes = Object.keys(scopeTable) as TableScope[];

/** Someone with credentials, and what they are in the group and its projects. */
export type Standing =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'user' | 'group bot' | 'project bot';
      readonly isAdmin: boolean;
      /** In this project, by the group or by itself; 0: none. */
      readonly roleIn: (project: TableProject) => number;
      readonly scopes: readonly TableScope[] | 'all';
    }
  | {
      readonly kind: 'group deploy token' | 'project deploy token';
      readonly isOf: (project: TableProject) => boolean;
      readonly scopes: readonly TableScope[];
      /** Whether the group of the virtual registries is the token's. */
      readonly isOfTopGroup: boolean;
    }
  | {
      readonly kind: 'job';
      /** The only one that it changes. */
      readonly isOf: (project: TableProject) => boolean;
      /** Of the job itself, in its project. */
      readonly level: number;
      /** Of the user who runs it, now. */
      readonly roleIn: (project: TableProject) => number;
      readonly isInTopGroup: boolean;
    };

export function mayUse(standing: Standing, project: TableProject, operation: Operation): boolean {
  const who = whoPulls[project.visibility][project.setting];
  if (project.setting === 'disabled') return false;
  if (operation === 'pull' && who === 'everyone') return true;
  switch (standing.kind) {
    case 'anonymous':
      return false;
    case 'group deploy token':
    case 'project deploy token':
      return standing.isOf(project) && operation !== 'delete' && isGoodFor(standing.scopes, operation);
    case 'job': {
      const { isOf, roleIn, level } = standing;
      const role = roleIn(project);
      if (operation === 'pull') return isOf(project) || who === 'signed in' || role >= reporter;
      return isOf(project) && level >= developer && role >= developer;
    }
    default: {
      if (!isGoodFor(standing.scopes, operation)) return false;
      const role = standing.isAdmin ? 50 : standing.roleIn(project);
      if (operation !== 'pull') return role >= developer;
      return who === 'signed in' || role >= reporter;
    }
  }
}

/** Through a virtual registry of the group. */
export function mayPullVirtual(
  standing: Standing,
  projects: readonly TableProject[],
  anonymousPull: boolean,
): boolean {
  if (anonymousPull) return true;
  switch (standing.kind) {
    case 'anonymous':
    case 'project bot':
    case 'project deploy token':
      return false;
    case 'group deploy token':
      return standing.isOfTopGroup && isGoodFor(standing.scopes, 'virtual');
    case 'job':
      return standing.isInTopGroup || projects.some((project) => standing.roleIn(project) >= guest);
    default: {
      const isMember = projects.some((project) => standing.roleIn(project) >= guest);
      return isGoodFor(standing.scopes, 'virtual') && (standing.isAdmin || isMember);
    }
  }
}

/** May they list the repositories that they may pull from? */
export function mayList(standing: Standing): boolean {
  if (standing.kind === 'anonymous') return false;
  return standing.kind === 'job' || isGoodFor(standing.scopes, 'catalog');
}

function isGoodFor(
  scopes: readonly TableScope[] | 'all',
  purpose: Operation | 'virtual' | 'catalog',
): boolean {
  if (scopes === 'all') return true;
  return scopes.some((scope) => scopeTable[scope].some((each) => each === purpose));
}
