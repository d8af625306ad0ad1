/** Each way to lose the right to pull: who has it by which credential, and what takes it from them. */
import { type Credentials, roles, type Secret, testPassword } from './credentials.ts';

/** A private group with a private project and a virtual registry. */
export interface LossPlace {
  readonly group: string;
  readonly projectId: number;
  readonly project: string;
  readonly registryId: number;
}

export interface Holder {
  /** Undefined: nobody in particular. */
  readonly secret: Secret | undefined;
  /** Of what they pull. */
  readonly source: 'project' | 'virtual registry';
  readonly lose: () => Promise<unknown>;
}

export interface Loss {
  readonly name: string;
  /** What they are told in the end; what goes first of several things may be another one. */
  readonly verdict: '404 NAME_UNKNOWN' | '401 UNAUTHORIZED';
  /** Where the credentials themselves are told something else. */
  readonly basicVerdict?: '429 TOOMANYREQUESTS';
  prepare(credentials: Credentials, place: LossPlace): Promise<Holder>;
}

const [gone, hidden] = ['401 UNAUTHORIZED', '404 NAME_UNKNOWN'] as const;
const read = ['read_registry', 'read_virtual_registry'];

export const losses: readonly Loss[] = [
  {
    name: 'a member is removed from the group',
    verdict: hidden,
    prepare: async (credentials, { group }) => {
      const { id, secret } = await memberOf(credentials, 'groups', group, group);
      return pullsProject(secret, () => credentials.call('DELETE', `/groups/${group}/members/${id}`));
    },
  },
  {
    name: 'a member is removed from the project',
    verdict: hidden,
    prepare: async (credentials, { group, projectId }) => {
      const { id, secret } = await memberOf(credentials, 'projects', projectId, group);
      return pullsProject(secret, () => credentials.call('DELETE', `/projects/${projectId}/members/${id}`));
    },
  },
  {
    name: 'a member becomes a Guest',
    verdict: hidden,
    prepare: async (credentials, { group }) => {
      const { id, secret } = await memberOf(credentials, 'groups', group, group);
      const body = { access_level: roles.Guest };
      return pullsProject(secret, () => credentials.call('PUT', `/groups/${group}/members/${id}`, body));
    },
  },
  {
    name: 'a member of the group of a virtual registry is removed',
    verdict: hidden,
    prepare: async (credentials, { group }) => {
      const { id, secret } = await memberOf(credentials, 'groups', group, group);
      const lose = () => credentials.call('DELETE', `/groups/${group}/members/${id}`);
      return { secret, source: 'virtual registry', lose };
    },
  },
  {
    name: 'a personal token is revoked',
    verdict: gone,
    prepare: async (credentials, { group }) => {
      const { secret } = await memberOf(credentials, 'groups', group, group);
      return pullsProject(secret, () => credentials.call('DELETE', secret.path));
    },
  },
  {
    name: 'a user with a token is blocked',
    verdict: gone,
    prepare: async (credentials, { group }) => {
      const { id, secret } = await memberOf(credentials, 'groups', group, group);
      return pullsProject(secret, () => credentials.call('POST', `/users/${id}/block`));
    },
  },
  {
    name: 'a user with a password is blocked',
    verdict: gone,
    prepare: async (credentials, { group }) => {
      const { id } = await memberOf(credentials, 'groups', group, group);
      const secret = { username: `member-of-${group}`, secret: testPassword };
      return pullsProject(secret, () => credentials.call('POST', `/users/${id}/block`));
    },
  },
  {
    name: 'a user with a password gets another one',
    verdict: gone,
    // Who goes on with a wrong password is throttled.
    basicVerdict: '429 TOOMANYREQUESTS',
    prepare: async (credentials, { group }) => {
      const { id } = await memberOf(credentials, 'groups', group, group);
      const secret = { username: `member-of-${group}`, secret: testPassword };
      const body = { password: `not ${testPassword}` };
      return pullsProject(secret, () => credentials.call('PUT', `/users/${id}`, body));
    },
  },
  {
    name: 'a group access token is revoked',
    verdict: gone,
    prepare: async (credentials, { group }) => {
      const secret = await credentials.accessToken('groups', group, 'Reporter', read);
      return pullsProject(secret, () => credentials.call('DELETE', secret.path));
    },
  },
  {
    name: 'a project access token is revoked',
    verdict: gone,
    prepare: async (credentials, { projectId }) => {
      const secret = await credentials.accessToken('projects', projectId, 'Reporter', ['read_registry']);
      return pullsProject(secret, () => credentials.call('DELETE', secret.path));
    },
  },
  {
    name: 'a deploy token of the group is revoked',
    verdict: gone,
    prepare: async (credentials, { group }) => {
      const secret = await credentials.deployToken('groups', group, read);
      return pullsProject(secret, () => credentials.call('DELETE', secret.path));
    },
  },
  {
    name: 'a deploy token of the group is revoked while it pulls through a virtual registry',
    verdict: gone,
    prepare: async (credentials, { group }) => {
      const secret = await credentials.deployToken('groups', group, read);
      const lose = () => credentials.call('DELETE', secret.path);
      return { secret, source: 'virtual registry', lose };
    },
  },
  {
    name: 'a deploy token of the project is revoked',
    verdict: gone,
    prepare: async (credentials, { projectId }) => {
      const secret = await credentials.deployToken('projects', projectId, ['read_registry']);
      return pullsProject(secret, () => credentials.call('DELETE', secret.path));
    },
  },
  {
    name: 'a job token is revoked',
    verdict: gone,
    prepare: async (credentials, { group, projectId }) => {
      const { id } = await memberOf(credentials, 'groups', group, group);
      const secret = await credentials.jobToken(projectId, { user_id: id });
      return pullsProject(secret, () => credentials.call('DELETE', secret.path));
    },
  },
  {
    name: 'the user of a job is blocked',
    verdict: gone,
    prepare: async (credentials, { group, projectId }) => {
      const { id } = await memberOf(credentials, 'groups', group, group);
      const secret = await credentials.jobToken(projectId, { user_id: id });
      return pullsProject(secret, () => credentials.call('POST', `/users/${id}/block`));
    },
  },
  {
    name: 'an internal project becomes private, for a user without a role',
    verdict: hidden,
    prepare: async (credentials, { group, projectId }) => {
      await credentials.call('PUT', `/projects/${projectId}`, { visibility: 'internal' });
      const username = `stranger-to-${group}`;
      const id = await credentials.user(username);
      const secret = await credentials.personalToken(username, id, read);
      return pullsProject(secret, () => makePrivate(credentials, projectId));
    },
  },
  {
    name: 'a public project becomes private, for nobody in particular',
    verdict: hidden,
    prepare: async (credentials, { projectId }) => {
      await credentials.call('PUT', `/projects/${projectId}`, { visibility: 'public' });
      return pullsProject(undefined, () => makePrivate(credentials, projectId));
    },
  },
  {
    name: "a public project's registry becomes one for members, for nobody in particular",
    verdict: hidden,
    prepare: async (credentials, { projectId }) => {
      await credentials.call('PUT', `/projects/${projectId}`, { visibility: 'public' });
      return pullsProject(undefined, () => setRegistry(credentials, projectId, 'private'));
    },
  },
  {
    name: "a project's registry is disabled, for an Owner",
    verdict: hidden,
    prepare: async (credentials, { group, projectId }) => {
      const { id, secret } = await memberOf(credentials, 'groups', group, group);
      await credentials.call('PUT', `/groups/${group}/members/${id}`, { access_level: roles.Owner });
      return pullsProject(secret, () => setRegistry(credentials, projectId, 'disabled'));
    },
  },
  {
    name: 'anonymous pulls through a virtual registry are allowed no more',
    verdict: hidden,
    prepare: async (credentials, { registryId }) => {
      const path = `/virtual_registries/container/registries/${registryId}`;
      await credentials.call('PATCH', path, { anonymous_pull: true });
      const lose = () => credentials.call('PATCH', path, { anonymous_pull: false });
      return { secret: undefined, source: 'virtual registry', lose };
    },
  },
];

function pullsProject(secret: Secret | undefined, lose: () => Promise<unknown>): Holder {
  return { secret, source: 'project', lose };
}

/** A Reporter, with a token. */
async function memberOf(
  credentials: Credentials,
  kind: 'groups' | 'projects',
  place: number | string,
  name: string,
) {
  const username = `member-of-${name}`;
  const id = await credentials.user(username);
  await credentials.member(kind, place, id, 'Reporter');
  return { id, secret: await credentials.personalToken(username, id, read) };
}

function makePrivate(credentials: Credentials, projectId: number): Promise<unknown> {
  return credentials.call('PUT', `/projects/${projectId}`, { visibility: 'private' });
}

function setRegistry(credentials: Credentials, projectId: number, level: string): Promise<unknown> {
  const body = { container_registry_access_level: level };
  return credentials.call('PUT', `/projects/${projectId}`, body);
}
