import { describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { TestApp } from '../support/app.ts';
import { bytesOf, jsonOf } from '../support/bodies.ts';
import { eventually } from '../support/eventually.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createDatabase } from '../support/postgres-database.ts';

const serverUrl = process.env['TEST_POSTGRES_URL'] || undefined;
const blobBytes = 6 * 1024 * 1024;
const held = 2 * 1024 * 1024;
const environment = {
  ENTREPOT_CLUSTER__ADDRESS: '127.0.0.1:0',
  // A busy machine is no dead one.
  ENTREPOT_CLUSTER__REACH_SECONDS: '60',
};

/** Whole servers on one PostgreSQL and one blob directory, the first of which counts the others in. */
async function startServers(upstream: FakeRegistry, count: number) {
  const template = await TestApp.findTemplate(serverUrl);
  const { url, drop } = await createDatabase(serverUrl ?? '', { template: template.database });
  onTestFinished(drop);
  const first = await TestApp.start({ template, databaseUrl: url, upstreams: [upstream], environment });
  onTestFinished(() => first.close());
  const servers = [first];
  while (servers.length < count) {
    const other = await first.startAnother();
    onTestFinished(() => other.stop());
    servers.push(other);
  }
  return servers;
}

async function digestOfBody(answer: Response): Promise<string> {
  return digestOf(await bytesOf(answer));
}

describe.skipIf(serverUrl === undefined)('servers that share a database (PostgreSQL)', () => {
  test('fetch a cold blob once, and give it to all clients from the first byte on while it comes', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(blobBytes, 1);
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    upstream.fault({ kind: 'blob', method: 'GET' }, { holdAt: held, until });
    const servers = await startServers(upstream, 3);
    // Answers begin with their first bytes, of which there are some at all servers before the rest has come.
    const answers = await Promise.all(
      [...servers, ...servers].map((server) => server.blob('team/app', blob.digest)),
    );
    // Each knows of it, and of all who read it.
    for (const server of servers)
      await eventually(async () =>
        expect(await jsonOf(await server.api('GET', '/admin/fills'))).toEqual([
          {
            digest: blob.digest,
            upstream_id: servers[0]?.upstreamIds[0],
            repository: 'team/app',
            received_bytes: held,
            size: blobBytes,
            readers: 6,
          },
        ]),
      );
    release();
    expect(await Promise.all(answers.map(digestOfBody))).toEqual(Array(6).fill(blob.digest));
    expect(upstream.count({ kind: 'blob' })).toBe(1);
    const again = await Promise.all(servers.map((server) => server.blob('team/app', blob.digest)));
    expect(await Promise.all(again.map(digestOfBody))).toEqual(Array(3).fill(blob.digest));
    expect(upstream.count({ kind: 'blob' })).toBe(1);
    const [first] = servers;
    expect(await first?.filesUnder(blob.digest.slice('sha256:'.length))).toHaveLength(1);
    await eventually(async () => expect(await first?.filesUnder('spool')).toEqual([]));
  });

  test('go on where the one that fetches is killed, with one more request for the rest', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(blobBytes, 2);
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    upstream.fault({ kind: 'blob', method: 'GET', range: 'none' }, { holdAt: held, until });
    const [first, second, third] = await startServers(upstream, 3);
    if (!first || !second || !third) throw new Error('no servers');
    await third.stop();
    const owner = await third.startChild();
    const lost = await third.blob('team/app', blob.digest);
    const answers = await Promise.all(
      [first, second, first].map((server) => server.blob('team/app', blob.digest)),
    );
    await owner.kill();
    await expect(bytesOf(lost)).rejects.toThrow();
    expect(await Promise.all(answers.map(digestOfBody))).toEqual(Array(3).fill(blob.digest));
    release();
    const asked = upstream.matching({ kind: 'blob', method: 'GET' }).map(({ headers }) => headers.range);
    expect(asked).toEqual([undefined, expect.stringMatching(/^bytes=[1-9][0-9]*-$/)]);
    await eventually(async () =>
      expect(await first.filesUnder(blob.digest.slice('sha256:'.length))).toHaveLength(1),
    );
  });

  test('ask once for a tag, be it cold or stale', async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    const servers = await startServers(upstream, 3);
    const pullEverywhere = async () => {
      const answers = await Promise.all(servers.map((server) => server.manifest('team/app', 'v1')));
      expect(answers.map(({ headers }) => headers.get('docker-content-digest'))).toEqual(
        Array(3).fill(image.digest),
      );
    };
    await pullEverywhere();
    expect(upstream.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
    // What one was told is good for another second, whatever the servers' clocks say.
    await eventually(async () => {
      for (const server of servers) server.advance(25 * 3_600_000);
      await pullEverywhere();
      expect(upstream.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD']);
    });
  });

  test('list each other with their addresses', async () => {
    await using upstream = await new FakeRegistry().start();
    const [first] = await startServers(upstream, 2);
    const processes = await jsonOf<{ address: string }[]>(
      (await first?.api('GET', '/admin/processes')) ?? new Response(),
    );
    expect(processes).toHaveLength(2);
    for (const { address } of processes) expect(address).toMatch(/^127\.0\.0\.1:[0-9]+$/);
  });
});
