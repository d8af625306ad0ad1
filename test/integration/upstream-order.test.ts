import { expect, test } from 'vitest';
import { errorOf, jsonOf, manifestsOf, tagsOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

describeApp('several upstreams', (start) => {
  test('are probed in parallel, and the highest that has the image wins', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    await using third = await new FakeRegistry().start();
    for (const upstream of [second, third]) {
      upstream
        .repository('team/app')
        .addImage({ tag: 'v1', architecture: upstream === second ? 'amd64' : 'arm64' });
    }
    first.fault({}, { delayMs: 100 });
    second.fault({}, { delayMs: 50 });
    await using app = await start({ upstreams: [first, second, third] });
    const answer = await app.manifest('team/app', 'v1');
    const wanted = second.repository('team/app').manifest('v1');
    expect(answer.headers.get('docker-content-digest')).toBe(wanted?.digest);
    expect(third.count({ method: 'HEAD' })).toBe(1);
    expect(third.count({ method: 'GET' })).toBe(0);
  });

  test('with a cached entry at a lower one ask no higher one', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    const low = second.repository('team/app').addImage({ tag: 'v1', architecture: 'amd64' });
    await using app = await start({ upstreams: [first, second] });
    await app.manifest('team/app', 'v1');
    first.repository('team/app').addImage({ tag: 'v1', architecture: 'arm64' });
    first.forgetRequests();
    const answer = await app.manifest('team/app', 'v1');
    expect(answer.headers.get('docker-content-digest')).toBe(low.digest);
    expect(first.count()).toBe(0);
  });

  test('go on past one that is down', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    const image = second.repository('team/app').addImage({ tag: 'v1' });
    first.fault({}, { status: 500 });
    await using app = await start({ upstreams: [first, second] });
    const answer = await app.manifest('team/app', 'v1');
    expect(answer.headers.get('docker-content-digest')).toBe(image.digest);
  });

  test('name each of them when none has it', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    await using app = await start({ upstreams: [first, second] });
    const answer = await app.manifest('team/app', 'v1');
    expect(answer.status).toBe(404);
    expect((await errorOf(answer)).message).toMatch(/upstream 1.*upstream 2/);
  });

  test('are asked only for images that their patterns allow', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    for (const upstream of [first, second]) upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({
      upstreams: [
        { url: first.url, allow_patterns: ['library/*'] },
        { url: second.url, deny_patterns: ['evil/**'] },
      ],
    });
    expect((await app.manifest('team/app', 'v1')).status).toBe(200);
    expect(first.count()).toBe(0);
    const refused = await app.manifest('evil/app', 'v1');
    expect(refused.status).toBe(404);
    expect((await errorOf(refused)).message).toContain('patterns');
  });

  test('list their tags together, in pages', async () => {
    await using first = await new FakeRegistry({ tagsPerPage: 2 }).start();
    await using second = await new FakeRegistry().start();
    for (const tag of ['a', 'c', 'e', 'g', 'latest']) first.repository('team/app').addImage({ tag });
    for (const tag of ['b', 'c', 'd']) second.repository('team/app').addImage({ tag });
    await using app = await start({ upstreams: [first, second] });
    const path = 'virtual_registries/container/1/team/app/tags/list';
    const all = await jsonOf(await app.v2(path));
    expect(all).toEqual({
      name: 'virtual_registries/container/1/team/app',
      tags: ['a', 'b', 'c', 'd', 'e', 'g', 'latest'],
    });
    const page = await app.v2(`${path}?n=3&last=b`);
    expect(await tagsOf(page)).toEqual(['c', 'd', 'e']);
    expect(page.headers.get('link')).toContain('last=e');
    await Promise.all([first.stop(), second.stop()]);
    app.advance(3_600_000);
    expect(await tagsOf(await app.v2(path))).toHaveLength(7);
  });

  test('list referrers, filtered or not, and keep them when the upstream is gone', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    const image = repository.addImage({ tag: 'v1' });
    const signature = repository.addArtifact(image, 'application/vnd.example.signature');
    repository.addArtifact(image, 'application/vnd.example.sbom');
    await using app = await start({ upstreams: [upstream] });
    await app.manifest('team/app', 'v1');
    const path = `virtual_registries/container/1/team/app/referrers/${image.digest}`;
    const all = await app.v2(path);
    expect(all.headers.get('content-type')).toBe('application/vnd.oci.image.index.v1+json');
    expect(await manifestsOf(all)).toHaveLength(2);
    const filtered = await app.v2(`${path}?artifactType=application/vnd.example.signature`);
    expect(filtered.headers.get('oci-filters-applied')).toBe('artifactType');
    expect((await manifestsOf(filtered)).map((each: { digest: string }) => each.digest)).toEqual([
      signature.digest,
    ]);
    expect(upstream.count({ kind: 'referrers' })).toBe(1);
    await upstream.stop();
    app.advance(3_600_000);
    expect(await manifestsOf(await app.v2(path))).toHaveLength(2);
  });

  test('without the referrers API are read by the fallback tag', async () => {
    await using upstream = await new FakeRegistry({ referrersApi: false }).start();
    const repository = upstream.repository('team/app');
    const image = repository.addImage({ tag: 'v1' });
    const signature = repository.addArtifact(image, 'application/vnd.example.signature');
    repository.addIndex({ tag: image.digest.replace(':', '-'), manifests: [signature] });
    await using app = await start({ upstreams: [upstream] });
    const path = `virtual_registries/container/1/team/app/referrers/${image.digest}`;
    expect(await manifestsOf(await app.v2(path))).toHaveLength(1);
    const none = await app.v2(path.replace(/[0-9a-f]{64}$/, 'f'.repeat(64)));
    expect(none.status).toBe(200);
    expect(await manifestsOf(none)).toEqual([]);
  });

  test('are explained without a pull: who would answer, from where, and why', async () => {
    await using first = await new FakeRegistry().start();
    await using second = await new FakeRegistry().start();
    const image = second.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [first, second] });
    const explain = async () => {
      const path = '/virtual_registries/container/registries/1/explain?image=team/app:v1';
      return jsonOf<{ verdict: unknown }>(await app.api('GET', path));
    };
    const [, secondId] = app.upstreamIds;
    const cold = { upstream_id: secondId, source: 'upstream', digest: image.digest };
    expect((await explain()).verdict).toMatchObject(cold);
    expect((await explain()).verdict).toMatchObject(cold);
    await app.manifest('team/app', 'v1');
    const asked = first.count() + second.count();
    expect((await explain()).verdict).toMatchObject({ ...cold, source: 'cache' });
    expect(first.count() + second.count()).toBe(asked);
  });
});
