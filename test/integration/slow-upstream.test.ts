import { expect, test } from 'vitest';
import type { Log } from '../../src/observe/log.ts';
import { errorOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { silentLog } from '../support/silent-log.ts';

const dayMs = 25 * 3_600_000;
const drip = { bytesPerSecond: 20 };
/** Four for all but blobs. */
const few = { ENTREPOT_UPSTREAMS__MAX_CONNECTIONS: '16' };
const patient = {
  ...few,
  ENTREPOT_UPSTREAMS__ANSWER_SECONDS: '300',
  ENTREPOT_UPSTREAMS__PROBE_SECONDS: '300',
};
const impatient = { ...few, ENTREPOT_UPSTREAMS__ANSWER_SECONDS: '1' };

describeApp('an upstream that is slow', (start) => {
  test('is no longer asked for what everyone has left, by any kind of question', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    const layers = [seededBlob(100, 1)];
    const image = repository.addImage({ tag: 'v1', layers });
    repository.addImage({ tag: 'v2', architecture: 's390x', layers });
    repository.addImage({ tag: 'latest', architecture: 'riscv64', layers });
    const errors: string[] = [];
    const log: Log = { ...silentLog, error: (_, message) => void errors.push(message), child: () => log };
    await using app = await start({ upstreams: [upstream], environment: patient, log });
    const name = 'virtual_registries/container/1/team/app';
    for (const [path, method, fault] of [
      [`${name}/manifests/v1`, 'GET', { kind: 'manifest', method: 'HEAD' }],
      [`${name}/manifests/v2`, 'GET', { kind: 'manifest', method: 'GET' }],
      [`${name}/manifests/latest`, 'HEAD', { kind: 'manifest', method: 'HEAD' }],
      [`${name}/tags/list`, 'GET', { kind: 'tags' }],
      [`${name}/referrers/${image.digest}`, 'GET', { kind: 'referrers' }],
      [`${name}/blobs/${layers[0]?.digest}`, 'HEAD', { kind: 'blob', method: 'HEAD' }],
    ] as const) {
      const clear = upstream.fault(fault, { hang: true });
      upstream.forgetRequests();
      const leaving = new AbortController();
      const asked = [1, 2].map(() => app.v2(path, { method, signal: leaving.signal }).catch(() => 'left'));
      await eventually(() => expect(upstream.count(fault)).toBeGreaterThan(0));
      expect(upstream.matching(fault)[0]?.isOver).toBe(false);
      leaving.abort();
      expect(await Promise.all(asked)).toEqual(['left', 'left']);
      await eventually(() => expect(upstream.matching(fault).every(({ isOver }) => isOver)).toBe(true));
      clear();
      expect([path, (await app.v2(path, { method })).status]).toEqual([path, 200]);
    }
    expect(errors).toEqual([]);
  });

  test('is asked on while one client is left, and answers that one', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream], environment: patient });
    const gate = Promise.withResolvers<void>();
    const wanted = { kind: 'manifest', method: 'GET' } as const;
    upstream.fault(wanted, { until: gate.promise });
    const stays = app.manifest('team/app', 'v1');
    await eventually(() => expect(upstream.count(wanted)).toBe(1));
    const leaving = new AbortController();
    const left = app.manifest('team/app', 'v1', { signal: leaving.signal }).catch(() => 'left');
    leaving.abort();
    expect(await left).toBe('left');
    gate.resolve();
    expect((await stays).status).toBe(200);
    expect(upstream.count(wanted)).toBe(1);
  });

  test('with manifests that never end holds up no other image: not once their clients have left, and not for long before', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('slow/app');
    const tags = Array.from({ length: 8 }, (_, n) => `v${n}`);
    for (const tag of tags) repository.addImage({ tag });
    upstream.repository('team/app').addImage({ tag: 'v1' });
    const slow = { kind: 'manifest', method: 'GET', repository: 'slow/app' } as const;
    upstream.fault(slow, drip);
    await using app = await start({ upstreams: [upstream], environment: patient });
    const leaving = new AbortController();
    const asked = tags.map((tag) =>
      app.manifest('slow/app', tag, { signal: leaving.signal }).catch(() => undefined),
    );
    await eventually(() => expect(upstream.count(slow)).toBeGreaterThan(1));
    // A connection is kept for other images.
    expect((await app.manifest('team/app', 'v1')).status).toBe(200);
    leaving.abort();
    await Promise.all(asked);
    await eventually(() => expect(upstream.matching(slow).every(({ isOver }) => isOver)).toBe(true));
    upstream.clearFaults();
    expect((await app.manifest('slow/app', 'v0')).status).toBe(200);
  });

  test('gives way to the next one, and finally to 504 that names the upstream and the setting', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    first.repository('team/app').addImage({ tag: 'v1', architecture: 'amd64' });
    first.repository('team/only').addImage({ tag: 'v1' });
    const other = second.repository('team/app').addImage({ tag: 'v1', architecture: 'arm64' });
    first.fault({ kind: 'manifest', method: 'GET' }, drip);
    await using app = await start({ upstreams: [first, second], environment: impatient });
    const answer = await app.manifest('team/app', 'v1');
    expect(answer.headers.get('docker-content-digest')).toBe(other.digest);
    const none = await app.manifest('team/only', 'v1');
    expect(none.status).toBe(504);
    expect((await errorOf(none)).message).toMatch(
      /upstream \d+ \(upstream 1\): did not answer within 1 s \(upstreams\.answer_seconds\)/,
    );
    expect(await app.metrics()).toMatch(
      /entrepot_upstream_timeouts_total\{upstream="\d+",limit="upstreams\.answer_seconds"\} 2/,
    );
  });

  test('gives way to the stale copy', async () => {
    await using upstream = await new FakeRegistry().start();
    const old = upstream.repository('team/app').addImage({ tag: 'v1', architecture: 'amd64' });
    await using app = await start({ upstreams: [upstream], environment: impatient });
    await app.manifest('team/app', 'v1');
    upstream.repository('team/app').addImage({ tag: 'v1', architecture: 'arm64' });
    upstream.fault({ kind: 'manifest', method: 'GET' }, drip);
    app.advance(dayMs);
    const answer = await app.manifest('team/app', 'v1');
    expect(answer.headers.get('cache-status')).toContain('stale');
    expect(answer.headers.get('docker-content-digest')).toBe(old.digest);
  });
});
