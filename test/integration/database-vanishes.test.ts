import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestApp } from '../support/app.ts';

const verbose = async ({ url }: TestApp) =>
  (await fetch(`${url}/-/readiness/storing?verbose`)).json() as Promise<{ checks: object }>;

test('a database whose file is taken away acknowledges nothing, goes on reading, and writes again once it is back', async () => {
  await using app = await TestApp.start();
  const file = join(app.dataDirectory, 'entrepot.db');
  const create = (path: string) => app.api('POST', '/groups', { name: path, path });
  expect((await create('before')).status).toBe(201);
  await rename(file, `${file}.away`);
  const refused = await create('meanwhile');
  expect([refused.status, await refused.json()]).toEqual([
    503,
    { message: '503 Service Unavailable - the database is not where it was' },
  ]);
  expect((await app.api('GET', '/groups/before')).status).toBe(200);
  expect((await verbose(app)).checks).toMatchObject({
    database_write: { status: 'failed', reason: 'the database is not where it was' },
  });
  await rename(`${file}.away`, file);
  expect((await create('after')).status).toBe(201);
  expect((await app.api('GET', '/groups/meanwhile')).status).toBe(404);
});
