import { expect, test } from 'vitest';
import { bytesOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const dayMs = 25 * 3_600_000;

describeApp('a tag that moves', (start) => {
  test('is switched as a whole: body, digest and type', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    const old = repository.addImage({ tag: 'latest', architecture: 'amd64' });
    await using app = await start({ upstreams: [upstream] });
    await app.manifest('team/app', 'latest');
    const moved = repository.addImage({ tag: 'latest', architecture: 'arm64', format: 'docker' });
    expect(moved.digest).not.toBe(old.digest);
    app.advance(dayMs);
    const answer = await app.manifest('team/app', 'latest');
    expect(answer.headers.get('cache-status')).toContain('updated');
    expect(answer.headers.get('docker-content-digest')).toBe(moved.digest);
    expect(answer.headers.get('content-type')).toBe(moved.mediaType);
    expect((await bytesOf(answer)).equals(moved.payload)).toBe(true);
  });

  test('to a manifest that is known under another name is switched without fetching it again', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    repository.addImage({ tag: 'latest', architecture: 'amd64' });
    const next = repository.addImage({ tag: 'v2', architecture: 'arm64' });
    await using app = await start({ upstreams: [upstream] });
    await app.manifest('team/app', 'latest');
    await app.manifest('team/app', 'v2');
    repository.tag('latest', next.digest);
    app.advance(dayMs);
    upstream.forgetRequests();
    const answer = await app.manifest('team/app', 'latest');
    expect(answer.headers.get('docker-content-digest')).toBe(next.digest);
    expect(upstream.count({ method: 'GET', kind: 'manifest' })).toBe(0);
  });

  test('and vanishes upstream is gone here once its validity is over', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    repository.addImage({ tag: 'latest' });
    await using app = await start({ upstreams: [upstream] });
    await app.manifest('team/app', 'latest');
    repository.remove('latest');
    expect((await app.manifest('team/app', 'latest')).status).toBe(200);
    app.advance(dayMs);
    expect((await app.manifest('team/app', 'latest')).status).toBe(404);
  });
});
