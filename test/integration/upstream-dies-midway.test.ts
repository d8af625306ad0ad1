import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { bytesOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import type { LoggedRequest } from '../support/logged-request.ts';

const mib = 1024 * 1024;

function startOf({ headers }: LoggedRequest): number {
  return Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
}

describeApp('an upstream that breaks off', (start) => {
  test('is asked for the rest by one ranged request, and no client notices', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(4 * mib, 1);
    upstream.fault({ kind: 'blob' }, { cutAfterBytes: 2 * mib }, 1);
    await using app = await start({ upstreams: [upstream] });
    const answers = await Promise.all([1, 2, 3].map(() => app.blob('team/app', blob.digest)));
    for (const answer of answers) expect(digestOf(await bytesOf(answer))).toBe(blob.digest);
    const [first, second, ...more] = upstream.matching({ kind: 'blob' }).map(startOf);
    expect([first, more]).toEqual([0, []]);
    expect(second).toBeGreaterThan(1.9 * mib);
  });

  test('and ignores ranges is read again from the start, each byte used once', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(mib, 2);
    upstream.fault({ kind: 'blob' }, { cutAfterBytes: 300_000 }, 1);
    upstream.fault({ kind: 'blob' }, { ignoreRange: true });
    await using app = await start({ upstreams: [upstream] });
    const answer = await app.blob('team/app', blob.digest);
    expect(digestOf(await bytesOf(answer))).toBe(blob.digest);
  });

  test('for good is followed by the next upstream that has the digest', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    const blob = first.repository('team/app').addBlob(2 * mib, 3);
    second.repository('team/app').put(blob);
    first.fault({ kind: 'blob' }, { cutAfterBytes: mib }, 1);
    await using app = await start({ upstreams: [first, second] });
    const pull = app.blob('team/app', blob.digest).then((answer) => answer.arrayBuffer());
    await eventually(() => expect(first.count({ kind: 'blob' })).toBeGreaterThan(0));
    first.fault({ kind: 'blob' }, { reset: true });
    await eventually(() => expect(first.matching({ kind: 'blob' })[0]?.isOver).toBe(true));
    await first.stop();
    expect(digestOf(Buffer.from(await pull))).toBe(blob.digest);
    const [position, ...more] = second.matching({ kind: 'blob' }).map(startOf);
    expect(position).toBeGreaterThan(0.9 * mib);
    expect(more).toEqual([]);
  });

  test('for good and alone ends the client’s body short, and leaves nothing', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(mib, 4);
    upstream.fault({ kind: 'blob' }, { cutAfterBytes: 1000 });
    upstream.fault({ kind: 'blob' }, { ignoreRange: true });
    await using app = await start({ upstreams: [upstream] });
    await expect(app.blob('team/app', blob.digest).then((answer) => answer.arrayBuffer())).rejects.toThrow();
    await eventually(async () => expect(await app.filesUnder('')).toEqual([]));
    upstream.clearFaults();
    app.advance(60_000);
    const again = await app.blob('team/app', blob.digest);
    expect(digestOf(await bytesOf(again))).toBe(blob.digest);
  });
});
