import { expect, test } from 'vitest';
import type { Database } from '../../../src/metadata/db/database.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { UnavailableError } from '../../../src/oci/unavailable.ts';
import { SpoolError } from '../../../src/storage/blob-store.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { seededBytes } from '../../support/fake-content.ts';
import { OpenBody } from '../../support/open-body.ts';
import { bob, bytesOf, nothing, partOf, type SpoolWatch, startHosted } from './hosted-kit.ts';

const hello = Buffer.from('hello, world');
const digest = digestOf(hello);
const takenOver = {
  code: 'BLOB_UPLOAD_INVALID',
  status: 409,
  detail: expect.stringContaining('another request goes on'),
};

function open(body: OpenBody, start?: number) {
  return { body, start, length: undefined };
}

describeEachDatabase('an upload goes on', (_open, each) => {
  test('with the later of two requests at once, after all that the first had received', async () => {
    const { uploads } = await (await startHosted(each)).repository();
    const id = await uploads.start();
    const body = new OpenBody('hello, ');
    const refused = expect(uploads.append(id, open(body))).rejects.toMatchObject(takenOver);
    await body.isWaitedFor;
    expect(await uploads.append(id, partOf('world', 7))).toBe(12);
    await refused;
    await uploads.commit(id, digest, nothing);
  });

  test('with the last of several requests, each of which ends the one before', async () => {
    const { uploads } = await (await startHosted(each)).repository();
    const id = await uploads.start();
    const bodies = ['hello', ', ', 'wor'].map((text) => new OpenBody(text));
    const refused: Promise<unknown>[] = [];
    for (const body of bodies) {
      refused.push(expect(uploads.append(id, open(body))).rejects.toMatchObject(takenOver));
      await body.isWaitedFor;
    }
    await uploads.commit(id, digest, partOf('ld', 10));
    await Promise.all(refused);
  });

  test('from where its status says, which ends a request that hangs', async () => {
    const { uploads } = await (await startHosted(each)).repository();
    const id = await uploads.start();
    const body = new OpenBody('hello, ');
    const refused = expect(uploads.append(id, open(body))).rejects.toMatchObject(takenOver);
    await body.isWaitedFor;
    expect(await uploads.status(id)).toBe(7);
    await refused;
  });

  test('undisturbed by others who know its id', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    const body = new OpenBody('hello, ');
    const committed = uploads.commit(id, digest, open(body));
    await body.isWaitedFor;
    const others = await kit.repository('acme/shop', bob);
    await expect(others.uploads.cancel(id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
    body.give(Buffer.from('world'));
    body.give(undefined);
    await committed;
  });

  test('no more where it was cancelled while a request waited for its turn', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const remove = kit.database.uploads.remove.bind(kit.database.uploads);
    kit.database.uploads.remove = async (id) => {
      begun.resolve();
      await ended.promise;
      return remove(id);
    };
    const cancelled = uploads.cancel(id);
    await begun.promise;
    const status = expect(uploads.status(id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
    await kit.database.uploads.find(id);
    ended.resolve();
    await Promise.all([cancelled, status]);
  });

  test('to one end where its commit is repeated while it runs', async () => {
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const spools: SpoolWatch = {
      commit() {
        begun.resolve();
        return ended.promise;
      },
    };
    const kit = await startHosted(each, { spools });
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    const first = uploads.commit(id, digest, partOf(hello));
    await begun.promise;
    const second = uploads.commit(id, digest, partOf(hello));
    ended.resolve();
    await Promise.all([first, second]);
    expect(await kit.files('blobs')).toHaveLength(1);
  });

  test('in the same process without what is hashed being read again', async () => {
    let reads = 0;
    const spools: SpoolWatch = {
      readAt() {
        reads += 1;
      },
    };
    const kit = await startHosted(each, { spools });
    const { uploads } = await kit.repository();
    const bytes = seededBytes(3_000_000, 2);
    const id = await uploads.start();
    await uploads.append(id, partOf(bytes.subarray(0, 1_000_000)));
    await uploads.append(id, partOf(bytes.subarray(1_000_000, 2_000_000)));
    await uploads.commit(id, digestOf(bytes), partOf(bytes.subarray(2_000_000)));
    expect(reads).toBe(0);
  });

  test('in another process, to which it is what it was', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const bytes = seededBytes(3_000_000, 3);
    const id = await uploads.start();
    await uploads.append(id, partOf(bytes.subarray(0, 1_000_000)));
    const other = (await kit.another().repository()).uploads;
    expect(await other.append(id, partOf(bytes.subarray(1_000_000, 2_000_000), 1_000_000))).toBe(2_000_000);
    // What the first process has hashed is not all that there is now.
    await uploads.commit(id, digestOf(bytes), partOf(bytes.subarray(2_000_000), 2_000_000));
    expect(digestOf(await bytesOf(await (await kit.repository()).blob(digestOf(bytes))))).toBe(
      digestOf(bytes),
    );
  });

  test('in another process while the first still receives, whose bytes count no more', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    await uploads.append(id, partOf('hello, '));
    const body = new OpenBody();
    const first = expect(uploads.append(id, open(body))).rejects.toMatchObject(takenOver);
    await body.isWaitedFor;
    const other = (await kit.another().repository()).uploads;
    expect(await other.append(id, partOf('world'))).toBe(12);
    body.give(Buffer.from('there'));
    body.give(undefined);
    await first;
    expect(await uploads.status(id)).toBe(12);
    await uploads.commit(id, digest, nothing);
  });

  test('after the server was stopped in the middle of a request', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    const body = new OpenBody('hello, ');
    const stopped = expect(uploads.append(id, open(body))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await body.isWaitedFor;
    await kit.repositories.close();
    await stopped;
    await expect(uploads.append(id, partOf('world'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const later = (await kit.another().repository()).uploads;
    expect(await later.status(id)).toBe(7);
    await later.commit(id, digest, partOf('world', 7));
  });

  test('after a disk was full, which is no fault of the client', async () => {
    const spools: SpoolWatch = {};
    const kit = await startHosted(each, { spools });
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    await uploads.append(id, partOf('hello, '));
    spools.append = () => {
      throw new SpoolError('no space left on device');
    };
    await expect(uploads.append(id, partOf('world'))).rejects.toThrow(UnavailableError);
    delete spools.append;
    await uploads.commit(id, digest, partOf('world', 7));
  });

  test('no more after its bytes could not be made durable', async () => {
    const spools: SpoolWatch = {
      commit() {
        throw new SpoolError('input/output error');
      },
    };
    const { uploads } = await (await startHosted(each, { spools })).repository();
    const id = await uploads.start();
    await expect(uploads.commit(id, digest, partOf(hello))).rejects.toThrow(UnavailableError);
    await expect(uploads.status(id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
  });

  test('to its end where the database did it and could not say so: the bytes stay, and the repeated commit is acknowledged', async () => {
    let isLost = true;
    const between = (database: Database): Database =>
      Object.create(database, {
        transaction: {
          value: async (run: Parameters<Database['transaction']>[0]) => {
            const result = await database.transaction(run);
            if (isLost) throw new Error('connection lost');
            return result;
          },
        },
      });
    const kit = await startHosted(each, { between });
    const repository = await kit.repository();
    const id = await repository.uploads.start();
    await expect(repository.uploads.commit(id, digest, partOf(hello))).rejects.toThrow('connection lost');
    isLost = false;
    await repository.uploads.commit(id, digest, partOf(hello));
    expect(await bytesOf(await repository.blob(digest))).toEqual(hello);
  });
});
