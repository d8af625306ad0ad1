import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { Client, ClientKind } from './support/clients/client.ts';
import { docker } from './support/clients/docker.ts';
import { installedClients } from './support/clients/installed.ts';
import { HostedStage } from './support/hosted-stage.ts';

const kinds = await installedClients('says why a push is refused');
const [reporter, developer] = [20, 30];

describe.skipIf(kinds.length === 0)('a push that is refused', () => {
  let stage: HostedStage;
  const clients = new Map<ClientKind, Client>();
  /** Of an image that they may pull. */
  const push = async (kind: ClientKind, repository: string) =>
    clients.get(kind)?.copy(`${stage.sources.here}/bb:1`, `${stage.server.host}/${repository}:1`);

  beforeAll(async () => {
    stage = await HostedStage.start();
    await stage.server.createProject('other/project');
    const scopes = ['read_registry', 'write_registry'];
    const roles = { team: developer, other: reporter };
    const credentials = await stage.server.createUser('dana', scopes, roles);
    for (const kind of kinds) clients.set(kind, await stage.open(kind, kind.name, credentials));
  });
  afterAll(() => stage.close());

  describe('for want of a right, or of a project,', () => {
    // ctr shows the status line of an answer, and nothing of its body: the line says it too.
    const sentence = 'there is no project for';

    test.each(kinds)('is explained by $title to someone who may only pull', async (kind) => {
      await expect(push(kind, 'other/project/image')).rejects.toThrow('needs the role Developer or more');
    });

    test.each(kinds)('is explained by $title in the same words where there is no project', async (kind) => {
      await expect(push(kind, 'team/absent/image')).rejects.toThrow(sentence);
    });
  });

  describe('in read-only mode', () => {
    const setReadOnly = (isReadOnly: boolean) =>
      stage.server.rest('PUT', '/application/settings', { maintenance_mode: isReadOnly });
    afterEach(() => setReadOnly(false));

    // Of a 5xx none shows the body, but all show the status line.
    test.each(kinds.filter((kind) => kind !== docker))('fails with $title, and pulls go on', async (kind) => {
      await setReadOnly(true);
      await expect(push(kind, `team/project/${kind.name}`)).rejects.toThrow('read-only mode');
      await clients.get(kind)?.pull(`${stage.sources.here}/schema2:1`);
    });

    test.runIf(kinds.includes(docker))('is tried again by Docker Engine until it works', async () => {
      const repository = `team/project/${docker.name}`;
      await setReadOnly(true);
      const pushing = push(docker, repository);
      await eventually(() => expect(stage.requestsOf(repository).map(({ status }) => status)).toContain(503));
      await clients.get(docker)?.pull(`${stage.sources.here}/schema2:1`);
      await setReadOnly(false);
      await pushing;
    });
  });
});
