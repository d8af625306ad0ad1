/** PostgreSQL that can be read and not written to, as after a failover to a replica: pulls go on, nothing is tried at full speed. */
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../src/observe/log.ts';
import { TestApp } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createDatabase } from '../support/postgres-database.ts';

const postgresUrl = process.env['TEST_POSTGRES_URL'] || undefined;
const pulls = 300;

test.skipIf(!postgresUrl)(
  'a database that turns read-only stops no pull, fills no log, and is written to again once it can be',
  async () => {
    const { url, drop } = await createDatabase(postgresUrl ?? '');
    onTestFinished(drop);
    const upstream = await new FakeRegistry().start();
    onTestFinished(() => upstream[Symbol.asyncDispose]());
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    const faults: string[] = [];
    const log = createLog({ level: 'warn', destination: { write: (line) => void faults.push(line) } });
    const app = await TestApp.start({ databaseUrl: url, upstreams: [upstream], log });
    onTestFinished(() => app.close());
    expect((await app.manifest('team/app', 'v1')).status).toBe(200);
    for (const { digest } of image.layers) await (await app.blob('team/app', digest)).arrayBuffer();

    const turnReadOnly = async (isReadOnly: boolean) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const name = new URL(url).pathname.slice(1);
      await client.query('set transaction_read_only = off');
      await client.query('set default_transaction_read_only = off');
      await client.query(
        `alter database ${name} set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`,
      );
      await client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      await client.end();
    };
    await turnReadOnly(true);
    // All tasks are due.
    app.advance(60 * 60 * 1000);
    const refused = await eventually(async () => {
      const answer = await app.api('POST', '/groups', { name: 'acme', path: 'acme' });
      expect(await answer.text()).toContain('the database is read-only');
      return answer;
    });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    for (let pull = 0; pull < pulls; pull += 1) {
      expect((await app.manifest('team/app', 'v1')).status).toBe(200);
    }
    expect(faults.filter((line) => !line.includes('"message":"request"')).length).toBeLessThan(30);
    expect(await app.metrics()).toContain('entrepot_webhook_pending');

    await turnReadOnly(false);
    await eventually(async () => {
      const answer = await app.api('POST', '/groups', { name: 'acme', path: 'acme' });
      expect(answer.status).toBe(201);
    });
  },
  120_000,
);
