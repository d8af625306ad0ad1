import { expect, test } from 'vitest';
import { errorOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const dayMs = 25 * 3_600_000;

describeApp('an upstream that is down', (start) => {
  test('leaves the stale copy, and is not asked again at once', async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    await app.manifest('team/app', 'v1');
    app.advance(dayMs);
    upstream.forgetRequests();
    upstream.fault({}, { status: 503 });
    for (let pull = 0; pull < 5; pull += 1) {
      const answer = await app.manifest('team/app', 'v1');
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-status')).toContain('stale');
      expect(answer.headers.get('docker-content-digest')).toBe(image.digest);
    }
    expect(upstream.count()).toBe(1);
    upstream.clearFaults();
    app.advance(61_000);
    expect((await app.manifest('team/app', 'v1')).headers.get('cache-status')).toContain('revalidated');
  });

  for (const [how, fault, status] of [
    ['answers 500', { status: 500 }, 502],
    ['ends the connection', { reset: true }, 502],
    ['is rate-limiting', { status: 429, headers: { 'retry-after': '7' } }, 429],
  ] as const) {
    test(`and ${how} with nothing cached is told from "not found"`, async () => {
      await using upstream = await new FakeRegistry().start();
      upstream.fault({}, fault);
      await using app = await start({ upstreams: [upstream] });
      const answer = await app.manifest('team/app', 'v1');
      expect(answer.status).toBe(status);
      expect((await errorOf(answer)).message).toContain('upstream 1');
      if (status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    });
  }

  test('and cannot be reached with nothing cached is 503', async () => {
    const upstream = await new FakeRegistry().start();
    await using app = await start({ upstreams: [upstream] });
    await upstream.stop();
    const answer = await app.manifest('team/app', 'v1');
    expect(answer.status).toBe(503);
    expect((await errorOf(answer)).code).toBe('UNAVAILABLE');
  });

  test('never hands its 401 to the client', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.fault({}, { status: 401, headers: { 'www-authenticate': 'Basic realm="theirs"' } });
    await using app = await start({ upstreams: [upstream] });
    const answer = await app.manifest('team/app', 'v1');
    expect(answer.status).toBe(404);
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect((await errorOf(answer)).message).toMatch(/upstream 1.*401/);
  });

  test('by 401 after the validity gives way to the next upstream, and finally to the stale copy', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    const old = first.repository('team/app').addImage({ tag: 'v1', architecture: 'amd64' });
    const environment = { ENTREPOT_CACHE__NOT_FOUND_SECONDS: '0' };
    await using app = await start({ upstreams: [first, second], environment });
    await app.manifest('team/app', 'v1');
    app.advance(dayMs);
    first.fault({}, { status: 401 });
    const stale = await app.manifest('team/app', 'v1');
    expect(stale.headers.get('docker-content-digest')).toBe(old.digest);
    expect(stale.headers.get('cache-status')).toContain('stale');
    const other = second.repository('team/app').addImage({ tag: 'v1', architecture: 'arm64' });
    app.advance(dayMs);
    const next = await app.manifest('team/app', 'v1');
    expect(next.headers.get('docker-content-digest')).toBe(other.digest);
  });
});
