import { expect, test } from 'vitest';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createUser } from '../support/pushing.ts';

interface TrafficBody {
  readonly step_seconds: number;
  readonly steps: readonly { readonly series: string; readonly amount: number }[];
}

describeApp('statistics for administrators', (start) => {
  test('say what was pulled, asked and sent, also after a restart, and what is stored', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(200_000, 1);
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    await using app = await start({ upstreams: [upstream] });
    const amounts = async (period: string) => {
      const body = await jsonOf<TrafficBody>(await app.api('GET', `/admin/traffic?period=${period}`));
      const sums = new Map<string, number>();
      for (const { series, amount } of body.steps) sums.set(series, (sums.get(series) ?? 0) + amount);
      return sums;
    };
    expect(await amounts('1h')).toEqual(new Map());
    await (await app.manifest('team/app', 'v1')).arrayBuffer();
    await (await app.manifest('team/app', 'v1')).arrayBuffer();
    await (await app.blob('team/app', layer.digest)).arrayBuffer();
    await expect.poll(async () => (await amounts('1h')).get('bytes/fetched')).toBe(200_000);
    const counted = await amounts('30d');
    expect(counted.get('pulls/miss')).toBe(2);
    expect(counted.get('pulls/hit')).toBe(1);
    expect(counted.get('upstream_requests/ok')).toBeGreaterThan(0);
    await expect
      .poll(async () => jsonOf<object>(await app.api('GET', '/admin/storage')))
      .toEqual({ cached_bytes: 200_000, hosted_bytes: 0 });
    await app.stop();
    await app.resume();
    expect(await amounts('24h')).toEqual(counted);
  });

  test('list the downloads that run, with how far they are', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(400_000, 2);
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    const go = Promise.withResolvers<void>();
    upstream.fault({ kind: 'blob' }, { holdAt: 100_000, until: go.promise });
    await using app = await start({ upstreams: [upstream] });
    const fills = async () => jsonOf<unknown>(await app.api('GET', '/admin/fills'));
    expect(await fills()).toEqual([]);
    await (await app.manifest('team/app', 'v1')).arrayBuffer();
    const pull = app.blob('team/app', layer.digest).then((answer) => answer.arrayBuffer());
    await expect.poll(fills).toEqual([
      {
        digest: layer.digest,
        upstream_id: app.upstreamIds[0],
        repository: 'team/app',
        received_bytes: 100_000,
        size: 400_000,
        readers: expect.any(Number),
      },
    ]);
    go.resolve();
    expect((await pull).byteLength).toBe(400_000);
    await expect.poll(fills).toEqual([]);
  });

  test('are for administrators', async () => {
    await using app = await start();
    const { token } = await createUser(app, 'ada');
    for (const path of ['/admin/traffic', '/admin/storage', '/admin/fills'])
      expect((await app.api('GET', path, undefined, { 'private-token': token })).status).toBe(403);
  });
});
