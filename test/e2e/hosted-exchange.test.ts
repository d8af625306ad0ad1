import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client, ClientKind, Pushed } from './support/clients/client.ts';
import { installedClients } from './support/clients/installed.ts';
import { podman } from './support/clients/podman.ts';
import { HostedStage } from './support/hosted-stage.ts';
import { digestAt, verifyContent } from './support/registry-content.ts';

const kinds = await installedClients('pushes to a hosted repository, and pulls what others pushed');

describe.skipIf(kinds.length === 0)('a hosted repository', () => {
  let stage: HostedStage;
  /** Other stores than those that images are pushed from, so that all has to come from the server. */
  const pullers = new Map<ClientKind, Client>();
  const pullerOf = async (kind: ClientKind): Promise<Client> => {
    const puller = pullers.get(kind) ?? (await stage.open(kind, `${kind.name}-pulls`));
    pullers.set(kind, puller);
    return puller;
  };

  beforeAll(async () => {
    stage = await HostedStage.start();
  });

  afterAll(() => stage.close());

  describe.each(kinds)('that $title pushes to', (pusher) => {
    const repository = `team/project/${pusher.name}`;
    let pushed: readonly Pushed[];

    beforeAll(async () => {
      const client = await stage.open(pusher, pusher.name);
      pushed = await client.push(`${stage.server.host}/${repository}`, stage.sources);
    });

    test('has what the client says that it pushed, and all of its bytes', async () => {
      const { host, authorization } = stage.server;
      expect(pushed).not.toHaveLength(0);
      for (const { tag, digest } of pushed) {
        expect(await digestAt(`http://${host}`, `${repository}:${tag}`, authorization)).toBe(digest);
        expect(await verifyContent(`http://${host}/v2/${repository}`, digest, authorization)).toContain(
          digest,
        );
      }
    });

    test.each(kinds)('is pulled byte-identical by $title', async (kind) => {
      const puller = await pullerOf(kind);
      for (const { tag, digest } of pushed) {
        const reference = `${stage.server.host}/${repository}`;
        expect(await puller.pull(`${reference}:${tag}`)).toContain(digest);
        expect(await puller.pull(`${reference}@${digest}`)).toContain(digest);
      }
    });
  });

  const deeds = kinds.flatMap((kind) =>
    (kind.deeds ?? []).map((deed) => ({ kind, title: kind.title, deed })),
  );
  test.each(deeds)('has images with which $title $deed', async ({ kind, deed }) => {
    const puller = await pullerOf(kind);
    const image = `${stage.sources.here}/bb:1`;
    await puller.pull(image);
    await puller.deeds?.[deed]?.(image);
  });

  test.runIf(kinds.includes(podman))('is found by podman search', async () => {
    const client = await pullerOf(podman);
    const found = await client.run(
      'search',
      '--tls-verify=false',
      '--format',
      '{{.Name}}',
      stage.sources.here,
    );
    expect(found.trim().split('\n').sort()).toEqual(
      ['bb', 'multi', 'schema2'].map((image) => `${stage.sources.here}/${image}`),
    );
  });
});
