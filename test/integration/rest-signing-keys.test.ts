import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { RestApi } from '../support/rest-api.ts';

const path = '/admin/signing_keys';

describeEachDatabase('the keys that sign', (open, { clock, createPlace }) => {
  test('are replaced by an administrator, and what the one before signed stays good', async () => {
    const database = await open(await createPlace());
    const api = await RestApi.start(database, clock);
    expect((await api.ask('GET', path)).body).toEqual([]);
    const first = await api.ask('POST', `${path}/rotate`);
    expect(first.status).toBe(201);
    const [{ kid }] = first.body;
    clock.now += 2000;
    const { body: keys } = await api.ask('POST', `${path}/rotate`, { in_seconds: 60 });
    const instant = (ms: number) => new Date(ms).toISOString();
    expect(keys).toEqual([
      {
        kid,
        created_at: instant(clock.now - 2000),
        current: true,
        retired_at: instant(clock.now + 60_000),
        ends_at: instant(clock.now + 60_000 + 960_000),
      },
      {
        kid: expect.any(String),
        created_at: instant(clock.now),
        current: false,
        retired_at: null,
        ends_at: null,
      },
    ]);
    clock.now += 60_000;
    const later = (await api.ask('GET', path)).body;
    expect(later.map((key: { current: boolean }) => key.current)).toEqual([false, true]);
    const { body: events } = await api.ask('GET', '/audit_events?event_name=signing_key.rotate');
    expect(
      events.map((event: { details: { target_details: string } }) => event.details.target_details),
    ).toEqual([keys[1].kid, kid]);
  });

  test('are shown without what is private, and to administrators alone', async () => {
    const database = await open(await createPlace());
    const api = await RestApi.start(database, clock);
    await api.ask('POST', `${path}/rotate`);
    const user = await api.createUser('una');
    for (const [method, at] of [
      ['GET', path],
      ['POST', `${path}/rotate`],
    ] as const)
      expect((await api.as(user, method, at)).status).toBe(403);
    const { body } = await api.ask('GET', path);
    expect(Object.keys(body[0])).toEqual(['kid', 'created_at', 'current', 'retired_at', 'ends_at']);
    expect((await api.ask('POST', `${path}/rotate`, { in_seconds: 31 * 86_400 })).status).toBe(400);
  });
});
