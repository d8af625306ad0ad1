import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docker } from './support/clients/docker.ts';
import { installedClients } from './support/clients/installed.ts';
import { podman } from './support/clients/podman.ts';
import { HostedStage } from './support/hosted-stage.ts';
import { digestAt } from './support/registry-content.ts';

const kinds = await installedClients('pulls what is hosted through a virtual registry', [docker, podman]);

describe.skipIf(kinds.length === 0)('a virtual registry with a hosted group before another registry', () => {
  let stage: HostedStage;
  let registry: string;
  beforeAll(async () => {
    stage = await HostedStage.start();
    const id = await stage.server.createRegistry('team first', 'team');
    await stage.server.setUpstreams(id, [
      { url: 'entrepot:team', name: 'ours' },
      { url: stage.upstream.url, name: 'theirs' },
    ]);
    registry = `${stage.server.host}/virtual_registries/container/${id}`;
  });
  afterAll(() => stage.close());

  test.each(kinds)('gives $title the images of both', async (kind) => {
    const client = await stage.open(kind, kind.name);
    const image = 'project/pushed';
    const [pushed] = await client.push(`${stage.server.host}/team/${image}`, stage.sources);
    expect(await client.pull(`${registry}/${image}:${pushed?.tag}`)).toContain(pushed?.digest);
    expect(await client.pull(`${registry}/project/base/multi:1`)).toContain(
      await digestAt(stage.upstream.url, 'library/multi:1'),
    );
    expect(await client.pull(`${registry}/library/schema2:1`)).toContain(
      await digestAt(stage.upstream.url, 'library/schema2:1'),
    );
  });
});
