import { expect, test } from 'vitest';
import { errorOf, jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const upstreams = '/virtual_registries/container/upstreams';

describeApp('an upstream with a minimum age', (start) => {
  test('is tried before it is switched on, then refuses, over a restart, with the date, and says so in an explanation', async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    const [id] = app.upstreamIds;
    await app.manifest('team/app', 'v1');
    const trial = await app.api('POST', `${upstreams}/${id}/quarantine/preview`, { min_age_hours: 168 });
    expect(await jsonOf(trial)).toMatchObject({
      judged: 1,
      complete: true,
      refused: [{ image: 'team/app', tag: 'v1', digest: image.digest }],
    });
    expect((await app.manifest('team/app', 'v1')).status).toBe(200);
    expect((await app.api('PATCH', `${upstreams}/${id}`, { min_age_hours: 168 })).status).toBe(200);
    await app.stop();
    await app.resume();
    const refused = await app.manifest('team/app', 'v1');
    expect(refused.status).toBe(403);
    expect(await errorOf(refused)).toMatchObject({
      code: 'DENIED',
      message: expect.stringContaining('is in quarantine until'),
    });
    const explained = await app.api(
      'GET',
      '/virtual_registries/container/registries/1/explain?image=team/app:v1',
    );
    expect(await jsonOf(explained)).toMatchObject({
      admission: [{ policy: 'quarantine', verdict: 'refused', until: expect.any(String) }],
    });
  });
});
