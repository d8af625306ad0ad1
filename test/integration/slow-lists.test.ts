/** On SQLite, which has no server of its own that reads: what takes long must not keep the event loop, or the next list, waiting. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const image = fakeImage();
const pullsBeside = 3;

/** A list that takes seconds, and far longer than so many pulls, of a server that has an image. */
const slowly = `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 4000000)
  select kept_events.* from kept_events where (select max(n) from numbers) > 0`;
/** A list whose rows no thread has the memory for. */
const hugely = `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 30)
  select n as id, 0 as at, null as actor_id, printf('%.*c', 4000000, 'x') || n as actor_name, null as address, 'a.b' as action,
    'a' as target_type, '1' as target_id, '{}' as details, null as group_path, null as project_path
  from numbers`;

async function withImage(app: TestApp): Promise<Pusher> {
  await app.settle();
  await createProject(app, 'acme/shop');
  const pusher = new Pusher(app, 'acme/shop');
  await pusher.image(image);
  await pusher.manifest(image, 'v1');
  expect((await listEvents(app)).status).toBe(200);
  return pusher;
}

/** Lists of audit events read this from now on; none can be recorded any more. */
function listEventsAs(app: TestApp, select: string): void {
  const database = new DatabaseSync(join(app.dataDirectory, 'entrepot.db'), { timeout: 10_000 });
  database.exec(`alter table audit_events rename to kept_events; create view audit_events as ${select}`);
  // Of a small database nothing is read in a thread.
  database.exec('create table ballast as select zeroblob(16000000)');
  database.close();
}

function listEvents(app: TestApp): Promise<Response> {
  return app.api('GET', '/audit_events?per_page=100');
}

test('pulls are answered while a list is read', async () => {
  await using app = await TestApp.start();
  const pusher = await withImage(app);
  listEventsAs(app, slowly);
  let isListed = false;
  const list = listEvents(app).then((answer) => {
    isListed = true;
    return answer;
  });
  for (let pulls = 0; pulls < pullsBeside; pulls += 1) {
    expect((await pusher.ask('GET', 'manifests/v1')).status).toBe(200);
    expect((await pusher.ask('GET', `blobs/${image.config?.digest}`)).status).toBe(200);
  }
  expect(isListed).toBe(false);
  expect((await list).status).toBe(200);
});

test('a list that ends its thread is refused, and nothing else', async () => {
  await using app = await TestApp.start();
  const pusher = await withImage(app);
  listEventsAs(app, hugely);
  const refused = await listEvents(app);
  expect([refused.status, await refused.json()]).toEqual([
    503,
    { message: '503 Service Unavailable - a thread that reads the database ended' },
  ]);
  expect((await app.api('GET', '/projects')).status).toBe(200);
  expect((await pusher.ask('GET', 'manifests/v1')).status).toBe(200);
});
