import { expect, test } from 'vitest';
import type { Database } from '../../../../src/metadata/db/database.ts';
import { MissingContent } from '../../../../src/metadata/db/violations.ts';
import { digestOf } from '../../../../src/oci/digest.ts';
import { TakenOverError } from '../../../../src/storage/upload-store.ts';
import { describeSqlite } from '../../../support/databases.ts';
import {
  bytesOf,
  type HostedKit,
  nothing,
  partOf,
  pushBlob,
  type SpoolWatch,
  startHosted,
} from '../hosted-kit.ts';
import { watching } from '../shop.ts';

const hello = Buffer.from('hello, world');
const digest = digestOf(hello);
const unknown = { code: 'BLOB_UPLOAD_UNKNOWN' };

/** What a collector does with a blob that nobody links. */
async function collect({ database, store }: HostedKit): Promise<void> {
  const record = (await database.blobs.find(digest)) ?? expect.fail('no record');
  await database.blobs.remove(digest, record.storageKey);
  await store.delete(record.storageKey);
}

describeSqlite('the end of an upload', (_open, each) => {
  /** Something happens before or after a transaction, as soon as there is `watch`. */
  async function start({ spools }: { readonly spools?: SpoolWatch } = {}) {
    const watch: Parameters<typeof watching>[1] = {};
    const between = (database: Database) => watching(database, watch);
    const kit = await startHosted(each, { between, ...(spools && { spools }) });
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    const commit = () => uploads.commit(id, digest, partOf(hello));
    const found = async () => bytesOf(await (await kit.repository()).blob(digest));
    return { kit, watch, uploads, id, commit, found };
  }

  /** In another repository, where it was deleted: only the copy is left, which may be collected. */
  async function leaveCopy(kit: HostedKit): Promise<void> {
    const other = await kit.another().repository('acme/shop/web');
    await pushBlob(other, hello);
    await other.deleteBlob(digest);
  }

  test('writes a copy of its own where the one that was there is collected before it is linked', async () => {
    const { kit, watch, commit, found } = await start();
    await leaveCopy(kit);
    let isCollected = false;
    watch.before = async () => {
      if (!isCollected) await collect(kit);
      isCollected = true;
    };
    await commit();
    expect(await found()).toEqual(hello);
    expect(await kit.files('blobs')).toHaveLength(1);
    expect(await kit.files('uploads')).toEqual([]);
  });

  test('is tried five times where copies come and go, and leaves nothing then', async () => {
    const { kit, watch, uploads, id, commit } = await start();
    await leaveCopy(kit);
    let tries = 0;
    watch.before = async () => {
      tries += 1;
      throw new MissingContent();
    };
    await expect(commit()).rejects.toThrow();
    expect(tries).toBe(5);
    await expect(uploads.status(id)).rejects.toMatchObject(unknown);
    expect(await kit.files('uploads')).toEqual([]);
  });

  test('uses the copy that another was quicker to record, and leaves its own to nobody', async () => {
    const { kit, watch, commit, found } = await start();
    const other = await kit.another().repository('acme/shop/web');
    let isFirst = true;
    watch.before = async () => {
      if (!isFirst) return;
      isFirst = false;
      await pushBlob(other, hello);
    };
    await commit();
    expect(await kit.files('blobs')).toHaveLength(1);
    expect(await found()).toEqual(hello);
  });

  test('that cannot be recorded ends the upload, and leaves no bytes', async () => {
    const { kit, watch, uploads, id, commit } = await start();
    watch.before = () => Promise.reject(new Error('no space left'));
    await expect(commit()).rejects.toThrow('no space left');
    await expect(uploads.status(id)).rejects.toMatchObject(unknown);
    expect([...(await kit.files('blobs')), ...(await kit.files('uploads'))]).toEqual([]);
    expect(kit.errors).toEqual([]);
  });

  test('that cannot be recorded keeps the copy that others have, and is tried once', async () => {
    const { kit, watch, commit } = await start();
    const other = await kit.another().repository('acme/shop/web');
    await pushBlob(other, hello);
    let tries = 0;
    watch.before = async () => {
      tries += 1;
      throw new Error('no space left');
    };
    await expect(commit()).rejects.toThrow('no space left');
    expect(tries).toBe(1);
    delete watch.before;
    expect(await bytesOf(await other.blob(digest))).toEqual(hello);
    expect(await kit.files('uploads')).toEqual([]);
  });

  test('may have been recorded where nobody knows: the bytes stay, and so does the upload, which is logged', async () => {
    const { kit, watch, commit, found } = await start();
    watch.after = () => Promise.reject(new Error('connection lost'));
    await expect(commit()).rejects.toThrow('connection lost');
    delete watch.after;
    expect(kit.errors).toEqual(['bytes were kept that may have no record']);
    expect(await found()).toEqual(hello);
    await commit();
  });

  test('may have been linked where nobody knows, which leaves no bytes without a record', async () => {
    const { kit, watch, commit } = await start();
    await pushBlob(await kit.another().repository('acme/shop/web'), hello);
    watch.after = () => Promise.reject(new Error('connection lost'));
    await expect(commit()).rejects.toThrow('connection lost');
    expect(kit.errors).toEqual([]);
    expect(await kit.files('uploads')).toEqual([]);
  });

  test.each([
    ['another process took it over', new TakenOverError(), { code: 'BLOB_UPLOAD_INVALID', status: 409 }],
    ['of a bug', new Error('a bug'), { message: 'a bug' }],
  ])('that fails because %s leaves the upload as it is', async (_why, fault, refusal) => {
    const { uploads, id, commit } = await start({ spools: { commit: () => Promise.reject(fault) } });
    await expect(commit()).rejects.toMatchObject(refusal);
    expect(await uploads.status(id)).toBe(12);
  });

  test('is refused where the upload was cancelled or has expired meanwhile, and leaves nothing', async () => {
    const { kit, watch, id, commit } = await start();
    watch.before = () => kit.database.uploads.remove(id);
    await expect(commit()).rejects.toMatchObject({ ...unknown, status: 404 });
    expect([...(await kit.files('blobs')), ...(await kit.files('uploads'))]).toEqual([]);
    expect(await kit.database.blobs.find(digest)).toBeUndefined();
  });

  test('is acknowledged where another process had come to it with the same bytes', async () => {
    const { kit, watch, id, commit, found } = await start();
    watch.before = () => kit.database.uploads.finish(id, digest, kit.clock.now + 1000);
    await commit();
    expect(await found()).toEqual(hello);
  });

  test('is refused where another process had come to it with other bytes', async () => {
    const { kit, watch, id, commit } = await start();
    const other = digestOf(Buffer.from('other'));
    watch.before = () => kit.database.uploads.finish(id, other, kit.clock.now + 1000);
    await expect(commit()).rejects.toMatchObject(unknown);
    expect(await kit.files('blobs')).toEqual([]);
  });

  test('is remembered for ten minutes', async () => {
    const { kit, uploads, id, commit } = await start();
    await commit();
    kit.clock.now += 10 * 60_000 - 1;
    await uploads.commit(id, digest, nothing);
    kit.clock.now += 1;
    await expect(uploads.commit(id, digest, nothing)).rejects.toMatchObject(unknown);
  });

  test('is no longer confirmed once what it acknowledged is gone', async () => {
    const { kit, uploads, id, commit } = await start();
    await commit();
    await (await kit.repository()).deleteBlob(digest);
    await expect(uploads.commit(id, digest, nothing)).rejects.toMatchObject(unknown);
    const repository = await kit.database.repositories.findByName('acme/shop');
    await kit.database.repositoryRemovals.removeEmpty(repository?.id ?? 0);
    await expect(uploads.commit(id, digest, nothing)).rejects.toMatchObject(unknown);
  });

  test('fails with what failed first, though nothing can be cleared away after it', async () => {
    const { kit, watch, commit } = await start();
    kit.store.delete = () => Promise.reject(new Error('read-only file system'));
    watch.before = () => {
      kit.database.uploads.remove = () => Promise.reject(new Error('still no space left'));
      return Promise.reject(new Error('no space left'));
    };
    await expect(commit()).rejects.toThrow('no space left');
    expect(kit.errors).toEqual(['an upload that is over could not be ended']);
  });

  test('says of an id that is none no more than 64 characters', async () => {
    const { uploads } = await start();
    await expect(uploads.status('x'.repeat(65))).rejects.toMatchObject({
      detail: expect.stringMatching(/^there is no upload x{64} of yours/),
    });
  });
});
