import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { describeEachDatabase } from '../../../support/databases.ts';
import { createProject } from '../../../support/hosted-records.ts';
import { type HostedKit, partOf, pushBlob, startHosted } from '../hosted-kit.ts';

async function limitProject(kit: HostedKit, path: string, quotaBytes: number | null): Promise<void> {
  const project = await kit.database.projects.findByPath(path);
  await kit.database.projects.update(project?.id ?? 0, { quotaBytes });
}

async function limitGroup(kit: HostedKit, path: string, quotaBytes: number): Promise<void> {
  const group = await kit.database.groups.findByPath(path);
  await kit.database.groups.update(group?.id ?? 0, { quotaBytes });
}

const denied = { code: 'DENIED', status: 403 };

describeEachDatabase('a quota', (_open, each) => {
  test('is used up to the last byte, and then says how much is used and allowed', async () => {
    const kit = await startHosted(each);
    await limitProject(kit, 'acme/shop', 10);
    const repository = await kit.repository();
    await pushBlob(repository, '0123456');
    await expect(pushBlob(repository, 'abcd')).rejects.toMatchObject({
      ...denied,
      detail: expect.stringContaining('project acme/shop uses 7 of 10 bytes, and 4 more are needed: '),
    });
    await pushBlob(repository, 'abc');
    await pushBlob(repository, '');
    await expect(pushBlob(repository, 'd')).rejects.toMatchObject(denied);
  });

  test('counts a blob once, in however many repositories of the project it is', async () => {
    const kit = await startHosted(each);
    await limitProject(kit, 'acme/shop', 10);
    await pushBlob(await kit.repository(), '0123456789');
    await pushBlob(await kit.repository(), '0123456789');
    const digest = await pushBlob(await kit.repository('acme/shop/web'), '0123456789');
    expect(await (await kit.repository('acme/shop/cli')).mount(digest, await kit.repository())).toBe(true);
  });

  test('that is exceeded lets what is there be pushed again', async () => {
    const kit = await startHosted(each);
    await pushBlob(await kit.repository(), '0123456789');
    await limitProject(kit, 'acme/shop', 1);
    await pushBlob(await kit.repository(), '0123456789');
    await expect(pushBlob(await kit.repository(), 'a')).rejects.toMatchObject(denied);
  });

  test('counts what is mounted', async () => {
    const kit = await startHosted(each);
    await createProject(kit.database, 'acme/tools');
    const source = await kit.repository('acme/tools');
    const digest = await pushBlob(source, '0123456789');
    await limitProject(kit, 'acme/shop', 9);
    const target = await kit.repository();
    await expect(target.mount(digest, source)).rejects.toMatchObject(denied);
    await expect(target.statBlob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    await limitProject(kit, 'acme/shop', 10);
    expect(await target.mount(digest, source)).toBe(true);
  });

  test('has room again for what is deleted, and no bounds once it is lifted', async () => {
    const kit = await startHosted(each);
    await limitProject(kit, 'acme/shop', 5);
    const repository = await kit.repository();
    await repository.deleteBlob(await pushBlob(repository, 'hello'));
    await pushBlob(repository, 'world');
    await limitProject(kit, 'acme/shop', null);
    await pushBlob(repository, 'as much as you like');
  });

  test('that refuses an upload ends it, and leaves nothing of it', async () => {
    const kit = await startHosted(each);
    await limitProject(kit, 'acme/shop', 4);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    await expect(uploads.commit(id, digestOf(Buffer.from('hello')), partOf('hello'))).rejects.toMatchObject(
      denied,
    );
    await expect(uploads.status(id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
    expect([...(await kit.files('blobs')), ...(await kit.files('uploads'))]).toEqual([]);
  });

  test('that refuses a blob leaves others the copy that they have', async () => {
    const kit = await startHosted(each);
    await createProject(kit.database, 'acme/tools');
    const other = await kit.repository('acme/tools');
    const digest = await pushBlob(other, 'hello');
    await limitProject(kit, 'acme/shop', 4);
    await expect(pushBlob(await kit.repository(), 'hello')).rejects.toMatchObject(denied);
    expect(await other.statBlob(digest)).toMatchObject({ size: 5 });
  });

  test('is not exceeded by many at once', async () => {
    const kit = await startHosted(each);
    await limitProject(kit, 'acme/shop', 50);
    const repositories = [await kit.repository(), await kit.another().repository('acme/shop/web')];
    const pushes = repositories.flatMap((repository, process) =>
      [0, 1, 2, 3, 4].map((each) => pushBlob(repository, `blob ${process} ${each}__`)),
    );
    const outcomes = await Promise.allSettled(pushes);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    const project = await kit.database.projects.findByPath('acme/shop');
    expect(await kit.database.repositoryBlobs.bytesOfProject(project?.id ?? 0)).toBe(50);
  });

  describe('of a group', () => {
    test('counts all projects in it and in its subgroups, each blob once in each', async () => {
      const kit = await startHosted(each);
      await createProject(kit.database, 'acme/team/tools');
      await limitGroup(kit, 'acme', 10);
      await pushBlob(await kit.repository(), '01234');
      await expect(pushBlob(await kit.repository('acme/team/tools'), 'abcdef')).rejects.toMatchObject({
        ...denied,
        detail: expect.stringContaining('group acme uses 5 of 10 bytes, and 6 more are needed: '),
      });
      await pushBlob(await kit.repository('acme/team/tools'), '01234');
    });

    test('binds besides that of the project', async () => {
      const kit = await startHosted(each);
      await limitProject(kit, 'acme/shop', 8);
      await limitGroup(kit, 'acme', 6);
      await expect(pushBlob(await kit.repository(), '0123456')).rejects.toMatchObject(denied);
      await pushBlob(await kit.repository(), '012345');
    });

    test('does not bind others whose path begins alike', async () => {
      const kit = await startHosted(each);
      await limitGroup(kit, 'acme', 1);
      await createProject(kit.database, 'acme-labs/shop');
      await pushBlob(await kit.repository('acme-labs/shop'), 'hello');
    });
  });
});
