import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { bytesOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const mib = 1024 * 1024;

describeApp('clients of one fill', (start) => {
  test('that leave do not stop it: the next pull asks nothing', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(8 * mib, 1);
    const go = Promise.withResolvers<void>();
    upstream.fault({ kind: 'blob' }, { holdAt: 4 * mib, until: go.promise });
    await using app = await start({ upstreams: [upstream] });
    const leaving = new AbortController();
    const leader = await app.blob('team/app', blob.digest, { signal: leaving.signal });
    await leader.body?.getReader().read();
    leaving.abort();
    await new Promise((resolve) => setTimeout(resolve, 50));
    go.resolve();
    await eventually(async () => expect(await app.filesUnder('spool')).toEqual([]));
    upstream.forgetRequests();
    const next = await app.blob('team/app', blob.digest);
    expect(digestOf(await bytesOf(next))).toBe(blob.digest);
    expect(upstream.count()).toBe(0);
  });

  test('that read slowly delay nobody', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(32 * mib, 2);
    await using app = await start({ upstreams: [upstream] });
    const slow = await app.blob('team/app', blob.digest);
    const reader = slow.body?.getReader();
    await reader?.read();
    const fast = await app.blob('team/app', blob.digest);
    expect(digestOf(await bytesOf(fast))).toBe(blob.digest);
    await eventually(async () => expect(await app.filesUnder('blobs')).toHaveLength(1));
    await reader?.cancel();
    expect(upstream.count({ kind: 'blob' })).toBe(1);
  });

  test('that read slowly still get it all after it is over', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(32 * mib, 3);
    await using app = await start({ upstreams: [upstream] });
    const slow = await app.blob('team/app', blob.digest);
    await (await app.blob('team/app', blob.digest)).arrayBuffer();
    await eventually(async () => expect(await app.filesUnder('spool')).toEqual([]));
    expect(digestOf(await bytesOf(slow))).toBe(blob.digest);
  });
});
