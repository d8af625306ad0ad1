import { expect, test } from 'vitest';
import { UploadExpiry } from '../../../../src/hosted/uploads/upload-expiry.ts';
import { digestOf } from '../../../../src/oci/digest.ts';
import { describeEachDatabase } from '../../../support/databases.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { dayMs, type HostedKit, nothing, partOf, startHosted } from '../hosted-kit.ts';

const hello = Buffer.from('hello, world');

function expiryOf(kit: HostedKit): UploadExpiry {
  return new UploadExpiry({
    ...kit,
    expiryMs: dayMs,
    log: silentLog,
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
    await expiryOf(kit).run();
    expect(await kit.uploads.listUploads()).toHaveLength(2);
    kit.clock.now += 1;
    await expiryOf(kit).run();
    expect(await kit.uploads.listUploads()).toEqual([young]);
    await uploads.commit(young, digestOf(hello), partOf('world', 7));
  });

  test('take bytes with them whose upload is no more', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    await uploads.append(await uploads.start(), partOf('hello'));
    const project = await kit.database.projects.findByPath('acme/shop');
    await kit.database.projects.remove(project?.id ?? 0);
    await expiryOf(kit).run();
    expect(await kit.files('uploads')).toEqual([]);
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
