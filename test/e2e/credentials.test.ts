import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentedMessage } from '../support/documented-messages.ts';
import { type Acting, actingKinds, openActing } from './support/clients/acting.ts';
import type { ClientKind } from './support/clients/client.ts';
import { installedClients } from './support/clients/installed.ts';
import { credentialsAt, everyKind, type KindOfCredential } from './support/credentials.ts';
import { rootToken } from './support/entrepot.ts';
import { HostedStage } from './support/hosted-stage.ts';
import { prepareScene, refusals, type Scene } from './support/refusals.ts';

const kinds = await installedClients('uses every kind of credential', actingKinds);
/** As the clients say it, whoever is not logged in included: nothing else that goes wrong. */
const refusedPush = /denied|403 Forbidden|unexpected status: 403|insufficient_scope|log in/;
const names = [
  'a password',
  'a personal access token',
  'a group access token',
  'a project access token',
  'a deploy token of the group',
  'a deploy token of the project',
  'a job token',
];

describe.skipIf(kinds.length === 0)('every kind of credential', () => {
  let stage: HostedStage;
  let scene: Scene;
  let credentials: ReadonlyMap<string, KindOfCredential>;
  const clients = new Map<ClientKind, Acting>();

  beforeAll(async () => {
    stage = await HostedStage.start();
    for (const project of ['other/secret', 'team/open']) await stage.server.createProject(project);
    await credentialsAt(stage.server).call('PUT', '/projects/team%2Fopen', { visibility: 'public' });
    credentials = await everyKind(stage.server);
    scene = await prepareScene(stage, credentialsAt(stage.server));
    for (const kind of kinds) {
      const client = await openActing(stage, kind);
      clients.set(kind, client);
      // So that there is something to be refused.
      await client.login({ username: 'root', password: rootToken });
      await client.push(`${stage.server.host}/other/secret:1`);
    }
  });
  afterAll(() => stage.close());

  function prepared(kind: ClientKind, name: string) {
    const [client, credential] = [clients.get(kind), credentials.get(name)];
    if (!client || !credential) throw new Error(`no ${name}, or no ${kind.title}`);
    return { client, ...credential, host: stage.server.host };
  }

  describe.each(kinds)('$title', (kind) => {
    test.each(names)('logs in with %s, pushes and pulls', async (name) => {
      const { client, writes, host } = prepared(kind, name);
      const image = `${host}/team/project/${kind.name}:${names.indexOf(name)}`;
      await client.login(writes);
      await client.push(image);
      await client.pull(image);
    });

    test.each(names)('only pulls with %s that may not push', async (name) => {
      const { client, reads, host } = prepared(kind, name);
      await client.login(reads);
      await client.pull(`${host}/team/project/base/schema2:1`);
      await expect(client.push(`${host}/team/project/${kind.name}:refused`)).rejects.toThrow(refusedPush);
    });

    test.each(names)('gets nothing of another private project with %s', async (name) => {
      const { client, writes, host } = prepared(kind, name);
      await client.login(writes);
      await expect(client.push(`${host}/other/secret:refused`)).rejects.toThrow(refusedPush);
      await expect(client.pull(`${host}/other/secret:1`)).rejects.toThrow(/not found|name unknown/);
    });

    test('pulls what is public without any, and pushes nothing', async () => {
      const { client, writes, host } = prepared(kind, 'a personal access token');
      const image = `${host}/team/open/${kind.name}:1`;
      await client.login(writes);
      await client.push(image);
      await client.login(undefined);
      await client.pull(image);
      await expect(client.push(`${host}/team/open/${kind.name}:2`)).rejects.toThrow(refusedPush);
    });

    test.each(refusals)('says what docs/troubleshooting.md says: $heading', async ({ heading, act }) => {
      const { client } = prepared(kind, 'a password');
      await expect(act(client, scene)).rejects.toThrow(documentedMessage(heading, kind.title));
    });
  });
});
