/** One of everyone: each role with each kind of credential, at a group `matrix` with a project for each row of the table. */
import {
  type Standing,
  settings,
  type TableProject,
  type TableScope,
  tableScopes,
  visibilities,
} from './access-table.ts';
import { type Credentials, type RoleName, roles, type Secret, testPassword } from './credentials.ts';

export interface Asker {
  /** As failures name it. */
  readonly name: string;
  readonly secret: Secret | undefined;
  readonly standing: Standing;
  /** What they are asked about. */
  readonly projects: readonly TableProject[];
}

const group = 'matrix';
const roleNames = Object.keys(roles) as RoleName[];
const registryScopes = ['api', 'read_registry', 'write_registry'] as const;

/** In the group, which has to be there. */
export async function createProjects(credentials: Credentials, groupId: number): Promise<TableProject[]> {
  const projects: TableProject[] = [];
  for (const visibility of visibilities) {
    for (const setting of settings) {
      const name = `${visibility}-${setting}`;
      const fields = { name, path: name, namespace_id: groupId, visibility };
      const { id } = await credentials.call<{ id: number }>('POST', '/projects', fields);
      projects.push({ id, path: `${group}/${name}`, visibility, setting });
    }
  }
  return projects;
}

/** Once everything that is to be pulled was pushed. */
export async function applySettings(
  credentials: Credentials,
  projects: readonly TableProject[],
): Promise<void> {
  for (const { id, setting } of projects)
    await credentials.call('PUT', `/projects/${id}`, { container_registry_access_level: setting });
}

export async function createAskers(
  credentials: Credentials,
  projects: readonly TableProject[],
  elsewhere: TableProject,
): Promise<Asker[]> {
  return [
    { name: 'nobody', secret: undefined, standing: { kind: 'anonymous' }, projects },
    ...(await groupMembers(credentials, projects)),
    ...(await projectMembers(credentials, projects)),
    ...(await groupBots(credentials, projects)),
    ...(await projectBots(credentials, projects)),
    ...(await deployTokens(credentials, projects, elsewhere)),
    ...(await jobs(credentials, projects, elsewhere)),
  ];
}

/** With a password and a personal token of each scope. */
async function withEachCredential(
  credentials: Credentials,
  username: string,
  userId: number,
  projects: readonly TableProject[],
  user: { readonly isAdmin: boolean; readonly roleIn: (project: TableProject) => number },
): Promise<Asker[]> {
  const kind = 'user';
  const password = { username, secret: testPassword };
  const askers: Asker[] = [
    {
      name: `${username}, password`,
      secret: password,
      standing: { kind, ...user, scopes: 'all' },
      projects,
    },
  ];
  const scopeLists: TableScope[][] = [
    ...tableScopes.map((scope) => [scope]),
    ['read_registry', 'write_registry'],
  ];
  for (const scopes of scopeLists) {
    const secret = await credentials.personalToken(username, userId, scopes);
    const name = `${username}, personal token [${scopes}]`;
    askers.push({ name, secret, standing: { kind, ...user, scopes }, projects });
  }
  return askers;
}

async function groupMembers(credentials: Credentials, projects: readonly TableProject[]): Promise<Asker[]> {
  const askers: Asker[] = [];
  for (const role of ['none', 'administrator', ...roleNames] as const) {
    const username = `${role.toLowerCase()}-of-group`;
    const isAdmin = role === 'administrator';
    const id = await credentials.user(username, { admin: isAdmin });
    const isMember = role !== 'none' && role !== 'administrator';
    if (isMember) await credentials.member('groups', group, id, role);
    const level = isMember ? roles[role] : 0;
    const user = { isAdmin, roleIn: () => level };
    askers.push(...(await withEachCredential(credentials, username, id, projects, user)));
  }
  return askers;
}

/** Their role is in every project by itself, and not in the group. */
async function projectMembers(credentials: Credentials, projects: readonly TableProject[]): Promise<Asker[]> {
  const askers: Asker[] = [];
  for (const role of roleNames) {
    const username = `${role.toLowerCase()}-of-projects`;
    const id = await credentials.user(username);
    for (const project of projects) await credentials.member('projects', project.id, id, role);
    const secret = await credentials.personalToken(username, id, ['api']);
    const user = { kind: 'user', isAdmin: false, roleIn: () => roles[role], scopes: ['api'] } as const;
    askers.push({ name: `${username}, personal token [api]`, secret, standing: user, projects });
  }
  return askers;
}

async function groupBots(credentials: Credentials, projects: readonly TableProject[]): Promise<Asker[]> {
  const askers: Asker[] = [];
  for (const role of roleNames) {
    for (const scope of [...registryScopes, 'read_virtual_registry', 'read_api'] as const) {
      const secret = await credentials.accessToken('groups', group, role, [scope]);
      const standing = {
        kind: 'group bot',
        isAdmin: false,
        roleIn: () => roles[role],
        scopes: [scope],
      } as const;
      askers.push({ name: `group access token, ${role} [${scope}]`, secret, standing, projects });
    }
  }
  return askers;
}

/** Each in its own project. */
async function projectBots(credentials: Credentials, projects: readonly TableProject[]): Promise<Asker[]> {
  const askers: Asker[] = [];
  for (const project of projects) {
    for (const role of roleNames) {
      for (const scope of registryScopes) {
        const secret = await credentials.accessToken('projects', project.id, role, [scope]);
        const roleIn = ({ id }: TableProject) => (id === project.id ? roles[role] : 0);
        const standing = { kind: 'project bot', isAdmin: false, roleIn, scopes: [scope] } as const;
        const name = `project access token of ${project.path}, ${role} [${scope}]`;
        askers.push({ name, secret, standing, projects: [project] });
      }
    }
  }
  return askers;
}

async function deployTokens(
  credentials: Credentials,
  projects: readonly TableProject[],
  elsewhere: TableProject,
): Promise<Asker[]> {
  const askers: Asker[] = [];
  const registry = [['read_registry'], ['write_registry'], ['read_registry', 'write_registry']] as const;
  const virtual = [['read_virtual_registry'], ['write_virtual_registry']] as const;
  for (const scopes of [...registry, ...virtual]) {
    const secret = await credentials.deployToken('groups', group, scopes);
    const standing = { kind: 'group deploy token', isOf: () => true, scopes, isOfTopGroup: true } as const;
    askers.push({ name: `group deploy token [${scopes}]`, secret, standing, projects });
  }
  for (const project of [...projects, elsewhere]) {
    for (const scopes of registry) {
      const username = scopes.length > 1 ? `deployer-of-${project.id}` : undefined;
      const secret = await credentials.deployToken('projects', project.id, scopes, username);
      const isOf = ({ id }: TableProject) => id === project.id;
      const standing = { kind: 'project deploy token', isOf, scopes, isOfTopGroup: false } as const;
      const asked = project === elsewhere ? projects : [project];
      askers.push({ name: `deploy token of ${project.path} [${scopes}]`, secret, standing, projects: asked });
    }
  }
  return askers;
}

/** Run by a user of each role, in each project and in one of another group; one has left the group since it began. */
async function jobs(
  credentials: Credentials,
  projects: readonly TableProject[],
  elsewhere: TableProject,
): Promise<Asker[]> {
  const askers: Asker[] = [];
  const add = async (project: TableProject, runner: Runner, level: number) => {
    const fields = { user_id: runner.userId, access_level: level };
    const secret = await credentials.jobToken(project.id, fields);
    const isOf = ({ id }: TableProject) => id === project.id;
    const isInTopGroup = project !== elsewhere;
    const standing = { kind: 'job', isOf, level, roleIn: () => runner.roleNow, isInTopGroup } as const;
    const name = `job token of ${project.path} with level ${level}, run by ${runner.name}`;
    askers.push({ name, secret, standing, projects: isInTopGroup ? [project] : projects });
  };
  for (const runner of await createRunners(credentials, elsewhere)) {
    for (const project of projects) await add(project, runner, runner.roleBefore);
    if (runner.roleBefore === roles.Owner)
      for (const project of projects) await add(project, runner, roles.Reporter);
    await add(elsewhere, runner, roles.Guest);
    if (runner.roleNow === 0) await credentials.call('DELETE', `/groups/${group}/members/${runner.userId}`);
  }
  return askers;
}

interface Runner {
  readonly name: string;
  readonly userId: number;
  /** In the group, when their jobs begin, and when they ask. */
  readonly roleBefore: number;
  readonly roleNow: number;
}

/** All of them are Guests of the project elsewhere. */
async function createRunners(credentials: Credentials, elsewhere: TableProject): Promise<Runner[]> {
  const runners: Runner[] = [];
  for (const role of [...roleNames, 'gone'] as const) {
    const userId = await credentials.user(`runner-${role.toLowerCase()}`);
    const before = role === 'gone' ? 'Owner' : role;
    await credentials.member('groups', group, userId, before);
    await credentials.member('projects', elsewhere.id, userId, 'Guest');
    const name = role === 'gone' ? 'someone who left' : role;
    runners.push({ name, userId, roleBefore: roles[before], roleNow: role === 'gone' ? 0 : roles[role] });
  }
  return runners;
}
