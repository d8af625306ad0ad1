import { expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { SpoolError } from '../../../../src/storage/blob-store.ts';
import { OutOfSpace } from '../../../../src/storage/disk-space.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { OpenBody } from '../../../support/open-body.ts';
import { alice, type HostedKit, partOf, type SpoolWatch, startHosted } from '../hosted-kit.ts';

const unknown = { code: 'BLOB_UPLOAD_UNKNOWN' };
const noSpace = Object.assign(new Error('write failed'), { code: 'ENOSPC' });

/** So many bytes are free. */
function leaveRoom({ uploads }: HostedKit, room: number): void {
  uploads.demandRoom = async (bytes) => {
    if (bytes > room || room <= 0) throw new OutOfSpace();
  };
}

describeSqlite('an upload to a disk that is full', (_open, each) => {
  test('is not begun', async () => {
    const kit = await startHosted(each);
    leaveRoom(kit, 0);
    await expect((await kit.repository()).uploads.start()).rejects.toThrow(OutOfSpace);
    expect(await kit.database.uploads.countActive(alice.key, kit.clock.now)).toBe(0);
  });

  test('is over before what does not fit is read, and makes room for others', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    await uploads.append(id, partOf('hello'));
    leaveRoom(kit, 6);
    await uploads.append(id, { ...partOf('hello!'), length: 6 });
    const part = { body: new OpenBody('unread'), start: undefined, length: 7 };
    await expect(uploads.append(id, part)).rejects.toThrow(OutOfSpace);
    await expect(uploads.status(id)).rejects.toMatchObject(unknown);
    expect(await kit.files('uploads')).toEqual([]);
  });

  test('comes to its end where nothing more is to come', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    await uploads.append(id, partOf('hello'));
    leaveRoom(kit, 0);
    await uploads.commit(id, digestOf(Buffer.from('hello')), { ...partOf(''), length: 0 });
  });

  test('is over once a write failed for want of room, but goes on after any other fault', async () => {
    const spools: SpoolWatch = {};
    const kit = await startHosted(each, { spools });
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    await uploads.append(id, partOf('hello'));
    spools.append = () => {
      throw new SpoolError('input/output error');
    };
    await expect(uploads.append(id, partOf('!'))).rejects.toThrow('input/output error');
    delete spools.append;
    expect(await uploads.status(id)).toBe(5);
    spools.append = () => {
      throw new SpoolError('no space left on device', { cause: noSpace });
    };
    await expect(uploads.append(id, partOf('!'))).rejects.toThrow('no space left on device');
    await expect(uploads.status(id)).rejects.toMatchObject(unknown);
    expect(await kit.files('uploads')).toEqual([]);
  });

  test('is refused for want of room, though neither its bytes nor its record can be removed', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    leaveRoom(kit, 0);
    kit.uploads.removeUpload = () => Promise.reject(new Error('read-only file system'));
    await expect(uploads.append(id, { ...partOf('x'), length: 1 })).rejects.toThrow(OutOfSpace);
    expect(kit.errors).toEqual(['an upload that did not fit was not removed']);
    await expect(uploads.status(id)).rejects.toMatchObject(unknown);
  });
});
