import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentedMessage } from '../support/documented-messages.ts';
import { type Acting, actingKinds, openActing } from './support/clients/acting.ts';
import type { ClientKind, Credentials } from './support/clients/client.ts';
import { installedClients } from './support/clients/installed.ts';
import { HostedStage } from './support/hosted-stage.ts';
import { run } from './support/processes.ts';

const kinds = await installedClients('says why a push is refused by a protection rule', actingKinds);
const [developer, maintainer] = [30, 40];
const scopes = ['read_registry', 'write_registry'];

describe.skipIf(kinds.length === 0)('a push that a protection rule refuses', () => {
  let stage: HostedStage;
  let dora: Credentials;
  let mark: Credentials;
  const clients = new Map<ClientKind, Acting>();

  beforeAll(async () => {
    stage = await HostedStage.start();
    const { server, sources } = stage;
    await server.createProject('team/guarded');
    dora = await server.createUser('dora', scopes, { team: developer });
    mark = await server.createUser('mark', scopes, { team: maintainer });
    for (const kind of kinds) clients.set(kind, await openActing(stage, kind));
    // Before anything is pushed, since what there was no rule for is believed for a second.
    const rules = '/projects/team%2Fguarded/registry/protection';
    await server.rest('POST', `${rules}/repository/rules`, {
      repository_path_pattern: 'team/guarded/production*',
      minimum_access_level_for_push: 'maintainer',
    });
    await server.rest('POST', `${rules}/tag/rules`, {
      tag_name_pattern: '^v\\d',
      minimum_access_level_for_push: 'maintainer',
      minimum_access_level_for_delete: 'maintainer',
    });
    await server.rest('POST', `${rules}/tag/immutable_rules`, { tag_name_pattern: '^release-' });
    const image = [`docker://${sources.here}/schema2:1`, `docker://${server.host}/team/guarded:release-1`];
    const access = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    const { username, password } = mark;
    const login = [`--src-creds=${username}:${password}`, `--dest-creds=${username}:${password}`];
    await run('skopeo', ['copy', '-q', '--all', ...access, ...login, ...image]);
  });
  afterAll(() => stage.close());

  async function push(kind: ClientKind, as: Credentials, image: string): Promise<void> {
    await clients.get(kind)?.login(as);
    await clients.get(kind)?.push(`${stage.server.host}/${image}`);
  }

  describe.each(kinds)('$title', (kind) => {
    test.each([
      ['Pushing to a protected repository', `team/guarded/production-${kind.name}:1`],
      ['Pushing a protected tag', `team/guarded:v1-${kind.name}`],
      ['Moving an immutable tag', 'team/guarded:release-1'],
    ])('says what docs/troubleshooting.md says: %s', async (heading, image) => {
      await expect(push(kind, dora, image)).rejects.toThrow(documentedMessage(heading, kind.title));
    });

    test('pushes what is protected for someone who has the role', async () => {
      await push(kind, mark, `team/guarded/production-${kind.name}:1`);
      await push(kind, mark, `team/guarded:v1-${kind.name}`);
    });
  });
});
