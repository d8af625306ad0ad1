import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createMetrics } from '../../../../src/app/metrics/metrics.ts';
import type { WatchedServer } from '../../../../src/app/metrics/server-metrics.ts';
import { pem } from '../../../support/certificates.ts';

const directory = mkdtempSync(join(tmpdir(), 'entrepot-metrics-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function metricOf(server: WatchedServer, name: string): Promise<number> {
  const metrics = createMetrics();
  metrics.server.watch(server);
  const line = (await metrics.render()).split('\n').find((each) => each.startsWith(name));
  return Number(line?.split(' ').at(-1));
}

const nothing: WatchedServer = { countProcesses: async () => 1, certificates: {}, directories: {} };

test('says how many processes share the records, and nothing it does not know', async () => {
  expect(await metricOf({ ...nothing, countProcesses: async () => 3 }, 'entrepot_processes ')).toBe(3);
  const unknown = async () => Promise.reject(new Error('no database'));
  expect(await metricOf({ ...nothing, countProcesses: unknown }, 'entrepot_processes ')).toBeNaN();
});

test('says when the first certificate of a file ends', async () => {
  const file = join(directory, 'chain.pem');
  const [first, second] = [pem('server.crt'), pem('expired.crt')];
  writeFileSync(file, `${first}\n${second}`);
  const ends = [first, second].map((each) => new X509Certificate(each).validToDate.getTime() / 1000);
  const certificates = { 'http.tls.certificate': file };
  const name = 'entrepot_certificate_end_timestamp_seconds{setting="http.tls.certificate"}';
  expect(await metricOf({ ...nothing, certificates }, name)).toBe(Math.min(...ends));
  rmSync(file);
  expect(await metricOf({ ...nothing, certificates }, name)).toBeNaN();
});

test('says how big and how free disks are', async () => {
  const directories = { data: directory, blobs: join(directory, 'gone') };
  const free = await metricOf({ ...nothing, directories }, 'entrepot_disk_free_bytes{directory="data"}');
  const size = await metricOf({ ...nothing, directories }, 'entrepot_disk_size_bytes{directory="data"}');
  expect(free).toBeGreaterThan(0);
  expect(size).toBeGreaterThanOrEqual(free);
  expect(
    await metricOf({ ...nothing, directories }, 'entrepot_disk_free_bytes{directory="blobs"}'),
  ).toBeNaN();
});
