import { expect, test } from 'vitest';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { createUser } from '../support/pushing.ts';

interface TaskBody {
  readonly name: string;
  readonly last_ended_at: string | null;
}

describeApp('what runs from time to time', (start) => {
  test('is seen, and run at once, by administrators', async () => {
    await using app = await start();
    const find = async () => {
      const jobs = await jsonOf<TaskBody[]>(await app.api('GET', '/admin/jobs'));
      return jobs.find(({ name }) => name === 'uploads.expire');
    };
    await eventually(async () =>
      expect(await find()).toMatchObject({
        every_seconds: 3600,
        status: 'waiting',
        failures: 0,
        error: null,
        result: { sessions: 0, uploads: 0 },
        next_run_at: expect.stringMatching(/^\d{4}-.*Z$/),
        last_started_at: expect.any(String),
      }),
    );
    const before = (await find())?.last_ended_at;
    app.advance(1000);
    expect((await app.api('POST', '/admin/jobs/uploads.expire/run')).status).toBe(202);
    await eventually(async () => expect((await find())?.last_ended_at).not.toBe(before));
  });

  test('is nothing for others, and what does not exist is not run', async () => {
    await using app = await start();
    const { token } = await createUser(app, 'ada');
    const headers = { 'private-token': token };
    expect((await app.api('GET', '/admin/jobs', undefined, headers)).status).toBe(403);
    expect((await app.api('POST', '/admin/jobs/uploads.expire/run', undefined, headers)).status).toBe(403);
    const absent = await app.api('POST', '/admin/jobs/nothing/run');
    expect([absent.status, await jsonOf(absent)]).toEqual([404, { message: '404 Job Not Found' }]);
  });
});
