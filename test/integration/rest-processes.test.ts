import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { version } from '../../src/config/version.ts';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { createUser } from '../support/pushing.ts';

interface ProcessBody {
  readonly id: string;
}

async function listProcesses(app: TestApp): Promise<ProcessBody[]> {
  return jsonOf<ProcessBody[]>(await app.api('GET', '/admin/processes'));
}

describeApp('the processes that share the records', (start) => {
  test('are seen by administrators, and by nobody else', async () => {
    await using app = await start();
    expect(await listProcesses(app)).toEqual([
      {
        id: expect.any(String),
        name: hostname(),
        version,
        address: null,
        started_at: expect.stringMatching(/^\d{4}-.*Z$/),
        last_seen_at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ]);
    const { token } = await createUser(app, 'ada');
    const headers = { 'private-token': token };
    expect((await app.api('GET', '/admin/processes', undefined, headers)).status).toBe(403);
  });

  test('are those that run: one that was stopped is not among them, and each start is another', async () => {
    await using app = await start();
    const before = await listProcesses(app);
    await app.stop();
    await app.resume();
    const after = await listProcesses(app);
    expect([before.length, after.length]).toEqual([1, 1]);
    expect(after[0]?.id).not.toBe(before[0]?.id);
  });
});
