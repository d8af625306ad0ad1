import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { TestApp } from '../support/app.ts';
import { bytesOf } from '../support/bodies.ts';
import { eventually } from '../support/eventually.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const mib = 1024 * 1024;
const directory = mkdtempSync(join(tmpdir(), 'entrepot-full-'));
const isMounted = tryMount();

function tryMount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

afterAll(() => {
  if (isMounted) execFileSync('umount', [directory]);
  rmSync(directory, { recursive: true, force: true });
});

const title = 'a full disk fails no pull, and keeps what fits';
test.skipIf(!isMounted)(isMounted ? title : `${title} (not run: no small disk can be mounted)`, async () => {
  await using upstream = await new FakeRegistry().start();
  const repository = upstream.repository('team/app');
  const [large, small] = [repository.addBlob(20 * mib, 1), repository.addBlob(2 * mib, 2)];
  const environment = { ENTREPOT_STORAGE__DIRECTORY: join(directory, 'blobs') };
  await using app = await TestApp.start({ upstreams: [upstream], environment });
  const answers = await Promise.all([1, 2, 3].map(() => app.blob('team/app', large.digest)));
  for (const answer of answers) expect(digestOf(await bytesOf(answer))).toBe(large.digest);
  expect(digestOf(await bytesOf(await app.blob('team/app', small.digest)))).toBe(small.digest);
  await eventually(async () => {
    const metrics = await app.metrics();
    expect(metrics).toContain('entrepot_fills_finished_total{result="uncached"} 1');
    expect(metrics).toContain('entrepot_fills_finished_total{result="completed"} 1');
    expect(metrics).toContain('entrepot_spool_bytes 0');
  });
  upstream.forgetRequests();
  expect(digestOf(await bytesOf(await app.blob('team/app', small.digest)))).toBe(small.digest);
  expect(upstream.count()).toBe(0);
});
