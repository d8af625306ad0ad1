/** What people are refused, each by the heading of docs/troubleshooting.md that says what they then see, and what to do. */
import type { Credentials as Maker } from '../../support/credentials.ts';
import type { Acting } from './clients/acting.ts';
import type { Credentials } from './clients/client.ts';
import { loginOf } from './credentials.ts';
import type { HostedStage } from './hosted-stage.ts';

export interface Refusal {
  readonly heading: string;
  /** Rejects with what the client wrote. */
  act(client: Acting, scene: Scene): Promise<void>;
}

export interface Scene {
  readonly host: string;
  /** Of all that is team's, without a role elsewhere. */
  readonly developer: Credentials;
  readonly reporter: Credentials;
  /** May pull through virtual registries, and nothing else. */
  readonly puller: Credentials;
  readonly stranger: Credentials;
  readonly revoked: Credentials;
  readonly blocked: Credentials;
  readonly readOnly: Credentials;
  /** Virtual registries of team: with an upstream, and without. */
  readonly registry: string;
  readonly emptyRegistry: string;
}

/** With the project team/off, whose registry is disabled. */
export async function prepareScene(stage: HostedStage, maker: Maker): Promise<Scene> {
  const { server } = stage;
  await server.createProject('team/off');
  await maker.call('PUT', '/projects/team%2Foff', { container_registry_access_level: 'disabled' });
  const [registryId, emptyId] = [
    await server.createRegistry('with an upstream', 'team'),
    await server.createRegistry('without', 'team'),
  ];
  await server.setUpstreams(registryId, [{ url: stage.upstream.url, name: 'origin' }]);
  const all = ['read_registry', 'write_registry', 'read_virtual_registry'];
  const userWith = async (name: string, role: 'Developer' | 'Reporter' | undefined, scopes: string[]) => {
    const id = await maker.user(name);
    if (role) await maker.member('groups', 'team', id, role);
    return { id, token: await maker.personalToken(name, id, scopes) };
  };
  const developer = await userWith('dora', 'Developer', all);
  const revoked = await maker.personalToken('dora', developer.id, all);
  await maker.call('DELETE', revoked.path);
  const blocked = await userWith('bert', 'Developer', all);
  await maker.call('POST', `/users/${blocked.id}/block`);
  const readOnly = await maker.personalToken('dora', developer.id, ['read_registry']);
  const puller = await maker.personalToken('dora', developer.id, ['read_virtual_registry']);
  return {
    host: server.host,
    developer: loginOf(developer.token),
    reporter: loginOf((await userWith('rosa', 'Reporter', all)).token),
    stranger: loginOf((await userWith('sten', undefined, all)).token),
    puller: loginOf(puller),
    revoked: loginOf(revoked),
    blocked: loginOf(blocked.token),
    readOnly: loginOf(readOnly),
    registry: `${server.host}/virtual_registries/container/${registryId}`,
    emptyRegistry: `${server.host}/virtual_registries/container/${emptyId}`,
  };
}

export const refusals: readonly Refusal[] = [
  {
    heading: 'The username, password or token is wrong',
    act: (client, { host, developer }) =>
      loginAndPull(
        client,
        { ...developer, password: 'ent-0000000000000000000000000000' },
        `${host}/team/project/base/bb:1`,
      ),
  },
  {
    heading: 'The token was revoked, or has expired',
    act: (client, { host, revoked }) => loginAndPull(client, revoked, `${host}/team/project/base/bb:1`),
  },
  {
    heading: 'The account is blocked',
    act: (client, { host, blocked }) => loginAndPull(client, blocked, `${host}/team/project/base/bb:1`),
  },
  {
    heading: 'Nobody is logged in',
    act: (client, { host }) => loginAndPull(client, undefined, `${host}/team/project/base/bb:1`),
  },
  {
    heading: 'Pulling without a role',
    act: (client, { host, stranger }) => loginAndPull(client, stranger, `${host}/team/project/base/bb:1`),
  },
  {
    heading: 'Pulling with a token that lacks the scope',
    act: (client, { host, puller }) => loginAndPull(client, puller, `${host}/team/project/base/bb:1`),
  },
  {
    heading: 'Pushing without the role of Developer',
    act: (client, { host, reporter }) => loginAndPush(client, reporter, `${host}/team/project/new:1`),
  },
  {
    heading: 'Pushing with a token that may only read',
    act: (client, { host, readOnly }) => loginAndPush(client, readOnly, `${host}/team/project/new:1`),
  },
  {
    heading: 'Pushing where there is no project',
    act: (client, { host, developer }) => loginAndPush(client, developer, `${host}/team/absent/new:1`),
  },
  {
    heading: "The project's registry is disabled",
    act: (client, { host, developer }) => loginAndPush(client, developer, `${host}/team/off:1`),
  },
  {
    heading: 'Pushing to a virtual registry',
    act: (client, { registry, developer }) => loginAndPush(client, developer, `${registry}/library/bb:new`),
  },
  {
    heading: 'Pulling through a virtual registry of a group one is not in',
    act: (client, { registry, stranger }) => loginAndPull(client, stranger, `${registry}/library/bb:1`),
  },
  {
    heading: 'No upstream has the image',
    act: (client, { registry, developer }) => loginAndPull(client, developer, `${registry}/library/absent:1`),
  },
  {
    heading: 'The virtual registry has no upstreams',
    act: (client, { emptyRegistry, developer }) =>
      loginAndPull(client, developer, `${emptyRegistry}/library/bb:1`),
  },
];

async function loginAndPull(client: Acting, login: Credentials | undefined, image: string): Promise<void> {
  await client.login(login);
  await client.pull(image);
}

async function loginAndPush(client: Acting, login: Credentials, image: string): Promise<void> {
  await client.login(login);
  await client.push(image);
}
