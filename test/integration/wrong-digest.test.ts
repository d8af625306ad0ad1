import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { bytesOf, errorOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

/** Whether the client takes what it got for the blob. */
async function completed(answer: Response): Promise<boolean> {
  if (answer.status !== 200) return false;
  return answer.arrayBuffer().then(
    () => true,
    () => false,
  );
}

describeApp('an upstream that lies', (start) => {
  for (const size of [10, 100_000, 3_000_000]) {
    test(`by one bit of ${size} bytes completes no client and stores nothing`, async () => {
      await using upstream = await new FakeRegistry().start();
      const blob = upstream.repository('team/app').addBlob(size, 1);
      upstream.fault({ kind: 'blob' }, { corruptAt: 5 });
      await using app = await start({ upstreams: [upstream] });
      const pulls = [1, 2, 3].map(() => app.blob('team/app', blob.digest).then(completed));
      expect(await Promise.all(pulls)).toEqual([false, false, false]);
      await eventually(async () => expect(await app.filesUnder('')).toEqual([]));
      upstream.clearFaults();
      const again = await app.blob('team/app', blob.digest);
      expect(digestOf(await bytesOf(again))).toBe(blob.digest);
    });
  }

  test('about a blob’s length completes no client', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(100_000, 2);
    upstream.fault({ kind: 'blob' }, { shortBy: 1 });
    await using app = await start({ upstreams: [upstream] });
    expect(await app.blob('team/app', blob.digest).then(completed)).toBe(false);
    await eventually(async () => expect(await app.filesUnder('')).toEqual([]));
  });

  test('once is asked last: the next pull takes the other upstream', async () => {
    await using liar = await new FakeRegistry().start();
    await using honest = await new FakeRegistry().start();
    const blob = liar.repository('team/app').addBlob(50_000, 3);
    honest.repository('team/app').put(blob);
    liar.fault({ kind: 'blob' }, { corruptAt: 5 });
    await using app = await start({ upstreams: [liar, honest] });
    expect(await app.blob('team/app', blob.digest).then(completed)).toBe(false);
    const again = await app.blob('team/app', blob.digest);
    expect(digestOf(await bytesOf(again))).toBe(blob.digest);
    expect(honest.count({ kind: 'blob' })).toBe(1);
  });

  test('about a manifest’s digest is not believed', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').addImage({ tag: 'v1' });
    upstream.fault({ kind: 'manifest', method: 'GET' }, { corruptAt: 30 });
    await using app = await start({ upstreams: [upstream] });
    const answer = await app.manifest('team/app', 'v1');
    expect(answer.status).toBe(502);
    expect((await errorOf(answer)).code).toBe('UNAVAILABLE');
  });
});
