import { expect, test } from 'vitest';
import { UploadExpiry, type UploadExpiryOptions } from '../../../../src/hosted/uploads/upload-expiry.ts';
import { digestOf } from '../../../../src/oci/digest.ts';
import { describeEachDatabase } from '../../../support/databases.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { dayMs, type HostedKit, nothing, partOf, startHosted } from '../hosted-kit.ts';

const hello = Buffer.from('hello, world');

/** @param told what the operator is told */
function expiryOf(kit: HostedKit, told: string[] = []): UploadExpiry {
  return new UploadExpiry({
    ...kit,
    expiryMs: dayMs,
    log: { ...silentLog, info: (_, message) => void told.push(message) },
    now: () => kit.clock.now,
  });
}

describeEachDatabase('uploads that expire', (_open, each) => {
  test('are removed with their bytes, and no others', async () => {
    const kit = await startHosted(each, { uploadExpiryMs: dayMs });
    const { uploads } = await kit.repository();
    await uploads.append(await uploads.start(), partOf('forgotten'));
    kit.clock.now += dayMs - 1;
    const young = await uploads.start();
    await uploads.append(young, partOf('hello, '));
    const told: string[] = [];
    expect(await expiryOf(kit, told).run()).toEqual({ result: { sessions: 0, uploads: 0 } });
    expect(await kit.uploads.listUploads()).toHaveLength(2);
    expect(told).toEqual([]);
    kit.clock.now += 1;
    expect(await expiryOf(kit, told).run()).toEqual({ result: { sessions: 1, uploads: 1 } });
    expect(await kit.uploads.listUploads()).toEqual([young]);
    expect(told).toHaveLength(1);
    await uploads.commit(young, digestOf(hello), partOf('world', 7));
  });

  test('take bytes with them whose upload is no more', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    await uploads.append(await uploads.start(), partOf('hello'));
    const project = await kit.database.projects.findByPath('acme/shop');
    await kit.database.projects.remove(project?.id ?? 0);
    const told: string[] = [];
    expect(await expiryOf(kit, told).run()).toEqual({ result: { sessions: 0, uploads: 1 } });
    expect(await kit.files('uploads')).toEqual([]);
    expect(told).toHaveLength(1);
  });

  test('are told of though none of their bytes ever came', async () => {
    const kit = await startHosted(each, { uploadExpiryMs: dayMs });
    await (await kit.repository()).uploads.start();
    kit.clock.now += dayMs;
    const told: string[] = [];
    expect(await expiryOf(kit, told).run()).toEqual({ result: { sessions: 1, uploads: 0 } });
    expect(told).toHaveLength(1);
  });

  test('do not take a finished one from clients that ask again', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    await uploads.commit(id, digestOf(hello), partOf(hello));
    await expiryOf(kit).run();
    await uploads.commit(id, digestOf(hello), nothing);
  });
});

test.each([
  [dayMs, 3_600_000],
  [60_000, 60_000],
])('uploads that last %i ms are looked at every %i ms', (expiryMs, everyMs) => {
  const unused = { listUploads: async () => [] } as unknown as UploadExpiryOptions['uploads'];
  const database = {} as UploadExpiryOptions['database'];
  const task = new UploadExpiry({ database, uploads: unused, expiryMs, log: silentLog, now: () => 0 });
  expect(task.everyMs).toBe(everyMs);
});
