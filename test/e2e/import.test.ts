/** Images that come from distribution: from the directory that it wrote, and over its API. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Run } from '../support/program.ts';
import { installedClients } from './support/clients/installed.ts';
import { skopeo } from './support/clients/skopeo.ts';
import { rootToken } from './support/entrepot.ts';
import { HostedStage } from './support/hosted-stage.ts';
import { run } from './support/processes.ts';

const kinds = await installedClients('pulls what was imported from distribution', [skopeo]);

describe.skipIf(kinds.length === 0)('what distribution has', () => {
  let stage: HostedStage;
  beforeAll(async () => {
    stage = await HostedStage.start();
  });
  afterAll(() => stage.close());

  async function bring(...args: readonly string[]): Promise<string> {
    const { directory, server } = stage;
    const command = new Run(directory, ['import', ...args], {
      ENTREPOT_DATA_DIRECTORY: server.dataDirectory,
      ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '127.0.0.0/8',
    });
    expect([await command.exitCode(), command.stderr]).toEqual([0, '']);
    return command.stdout;
  }

  const raw = (image: string) =>
    run('skopeo', [
      'inspect',
      '--raw',
      '--tls-verify=false',
      '--creds',
      `root:${rootToken}`,
      `docker://${image}`,
    ]);

  test.each([
    ['its directory', () => ['--from', inject('imageStorage')], 'tree'],
    ['its API', () => ['--from-registry', stage.upstream.url], 'api'],
  ])('comes from %s, beside a running server, byte for byte', async (_, source, name) => {
    const said = await bring(
      ...source(),
      '--map',
      `library/*=team/project/${name}/*`,
      '--repository',
      ...images(),
    );
    expect(said).toContain(`${images().length} repositories: `);
    for (const image of ['bb', 'schema2', 'multi']) {
      const here = `${stage.server.host}/team/project/${name}/${image}:1`;
      expect(await raw(here)).toBe(await raw(`${stage.upstream.host}/library/${image}:1`));
      await run('skopeo', [
        'copy',
        '--all',
        '--src-tls-verify=false',
        '--src-creds',
        `root:${rootToken}`,
        `docker://${here}`,
        `dir:${stage.directory}/${name}-${image}`,
      ]);
    }
    expect(
      await bring(...source(), '--map', `library/*=team/project/${name}/*`, '--repository', ...images()),
    ).toContain('0 tags, 0 manifests and 0 blobs with 0 bytes were imported');
  });

  function images(): readonly string[] {
    return ['library/bb', 'library/schema2', 'library/multi'];
  }
});
