import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { seededBytes } from '../../support/fake-content.ts';
import { OpenBody } from '../../support/open-body.ts';
import { readLinkReviews } from '../../support/review-rows.ts';
import { alice, bob, bytesOf, dayMs, nothing, partOf, pushBlob, startHosted } from './hosted-kit.ts';

const hello = Buffer.from('hello, world');
const digest = digestOf(hello);
const unknown = {
  code: 'BLOB_UPLOAD_UNKNOWN',
  status: 404,
  detail: expect.stringContaining('there is no upload'),
};

describeEachDatabase('an upload', (_open, each) => {
  test('in parts gives a blob that is there at once, and nowhere else', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const id = await repository.uploads.start();
    expect(await repository.uploads.status(id)).toBe(0);
    expect(await repository.uploads.append(id, partOf('hello, '))).toBe(7);
    expect(await repository.uploads.append(id, partOf('world', 7))).toBe(12);
    expect(await repository.uploads.status(id)).toBe(12);
    await repository.uploads.commit(id, digest, nothing);
    const blob = await repository.blob(digest);
    expect(blob).toMatchObject({ digest, size: 12, outcome: 'hosted' });
    expect(await bytesOf(blob)).toEqual(hello);
    const elsewhere = await kit.repository('acme/shop/web');
    await expect(elsewhere.blob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect(await kit.files('uploads')).toEqual([]);
    expect(await readLinkReviews(kit.place)).toMatchObject([{ digest, event: 'blob_upload' }]);
  });

  test('in one request gives the blob, and leaves no upload', async () => {
    const kit = await startHosted(each, { maxUploads: 1 });
    const repository = await kit.repository();
    for (const [bytes, algorithm] of [
      [hello, 'sha256'],
      [hello, 'sha512'],
      [Buffer.alloc(0), 'sha256'],
    ] as const) {
      const pushed = digestOf(bytes, algorithm);
      await repository.uploads.push(pushed, partOf(bytes));
      expect(await bytesOf(await repository.blob(pushed))).toEqual(bytes);
    }
    await repository.uploads.push(digest, partOf(hello));
    expect(await kit.files('blobs')).toHaveLength(3);
    expect([...(await kit.files('uploads')), ...(await kit.files('spool'))]).toEqual([]);
    expect(await kit.database.uploads.countActive(alice.key, kit.clock.now)).toBe(0);
  });

  test('in one request that is refused leaves nothing', async () => {
    const kit = await startHosted(each, { maxUploadBytes: 100, maxUploads: 1 });
    const repository = await kit.repository();
    const { uploads } = repository;
    await expect(uploads.push(digest, partOf('others'))).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
    await expect(uploads.push(digest, partOf(Buffer.alloc(101)))).rejects.toMatchObject({ status: 413 });
    await expect(uploads.push(digest, { ...partOf(hello), length: 5 })).rejects.toMatchObject({
      code: 'SIZE_INVALID',
    });
    await expect(repository.blob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect([...(await kit.files('blobs')), ...(await kit.files('spool'))]).toEqual([]);
    const id = await uploads.start();
    await expect(uploads.push(digest, partOf(hello))).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' });
    await uploads.cancel(id);
    await uploads.push(digest, partOf(hello));
  });

  test('in one request ends when the server stops', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const body = new OpenBody('hello');
    const pushing = expect(
      uploads.push(digest, { body, start: undefined, length: undefined }),
    ).rejects.toThrow('the server stops');
    await body.isWaitedFor;
    await kit.repositories.close();
    await pushing;
    expect(await kit.files('spool')).toEqual([]);
  });

  test('may be empty', async () => {
    const repository = await (await startHosted(each)).repository();
    const empty = await pushBlob(repository, '');
    expect(await repository.statBlob(empty)).toMatchObject({ size: 0 });
  });

  test('of many chunks is read back byte for byte', async () => {
    const repository = await (await startHosted(each)).repository();
    const bytes = seededBytes(5_000_003, 1);
    const large = digestOf(bytes);
    const id = await repository.uploads.start();
    await repository.uploads.append(id, partOf(bytes.subarray(0, 3_000_001)));
    await repository.uploads.commit(id, large, partOf(bytes.subarray(3_000_001)));
    expect(digestOf(await bytesOf(await repository.blob(large)))).toBe(large);
  });

  test.each([true, false])('with a sha512 digest, said at its start: %s', async (isSaid) => {
    const repository = await (await startHosted(each)).repository();
    const long = digestOf(hello, 'sha512');
    const id = await repository.uploads.start(isSaid ? 'sha512' : undefined);
    await repository.uploads.append(id, partOf('hello, '));
    await repository.uploads.commit(id, long, partOf('world'));
    expect(await bytesOf(await repository.blob(long))).toEqual(hello);
  });

  test('whose part comes out of order is refused with 416, and goes on', async () => {
    const repository = await (await startHosted(each)).repository();
    const id = await repository.uploads.start();
    await repository.uploads.append(id, partOf('hello, '));
    for (const start of [0, 6, 8]) {
      const refusal = {
        code: 'BLOB_UPLOAD_INVALID',
        status: 416,
        detail: expect.stringContaining('the upload has 7 bytes'),
      };
      await expect(repository.uploads.append(id, partOf('world', start))).rejects.toMatchObject(refusal);
      await expect(repository.uploads.commit(id, digest, partOf('world', start))).rejects.toMatchObject(
        refusal,
      );
    }
    expect(await repository.uploads.status(id)).toBe(7);
    await repository.uploads.commit(id, digest, partOf('world', 7));
    expect(await bytesOf(await repository.blob(digest))).toEqual(hello);
  });

  test('whose digest is another is refused, and over, and leaves nothing', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const id = await repository.uploads.start();
    await expect(repository.uploads.commit(id, digest, partOf('hello, World'))).rejects.toMatchObject({
      code: 'DIGEST_INVALID',
      status: 400,
      detail: expect.stringContaining(`the 12 bytes of the upload have the digest`),
    });
    await expect(repository.uploads.status(id)).rejects.toMatchObject(unknown);
    await expect(repository.blob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect([...(await kit.files('uploads')), ...(await kit.files('blobs'))]).toEqual([]);
  });

  test('that is cancelled is over, and leaves nothing', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    await uploads.append(id, partOf('hello'));
    await uploads.cancel(id);
    await expect(uploads.append(id, partOf('hello'))).rejects.toMatchObject(unknown);
    await expect(uploads.cancel(id)).rejects.toMatchObject(unknown);
    expect(await kit.files('uploads')).toEqual([]);
  });

  test('belongs to its writer and its repository', async () => {
    const kit = await startHosted(each);
    const own = await kit.repository();
    const id = await own.uploads.start();
    const others = [await kit.repository('acme/shop', bob), await kit.repository('acme/shop/web', alice)];
    for (const { uploads } of others) {
      await expect(uploads.status(id)).rejects.toMatchObject(unknown);
      await expect(uploads.append(id, partOf('x'))).rejects.toMatchObject(unknown);
      await expect(uploads.commit(id, digest, partOf(hello))).rejects.toMatchObject(unknown);
      await expect(uploads.cancel(id)).rejects.toMatchObject(unknown);
    }
    for (const id of ['../../etc/passwd', '', 'x'.repeat(36)])
      await expect(own.uploads.status(id)).rejects.toMatchObject(unknown);
    await own.uploads.commit(id, digest, partOf(hello));
  });

  test('is looked for only by ids such as uploads have', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    const find = kit.database.uploads.find.bind(kit.database.uploads);
    const asked: string[] = [];
    kit.database.uploads.find = (id) => {
      asked.push(id);
      return find(id);
    };
    for (const other of [`${id}a`, `a${id}`, id.toUpperCase().replace(/^./, 'A')])
      await expect(uploads.status(other)).rejects.toMatchObject(unknown);
    expect(asked).toEqual([]);
    expect(await uploads.status(id)).toBe(0);
  });

  test('that was committed may be committed again with the same digest, for ten minutes, and nothing else', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    await uploads.commit(id, digest, partOf(hello));
    kit.clock.now += 9 * 60_000;
    await uploads.commit(id, digest, partOf(hello));
    await expect(uploads.commit(id, digestOf(Buffer.from('x')), nothing)).rejects.toMatchObject(unknown);
    await expect(uploads.append(id, partOf('more'))).rejects.toMatchObject(unknown);
    await expect(uploads.status(id)).rejects.toMatchObject(unknown);
    kit.clock.now += 61_000;
    await expect(uploads.commit(id, digest, partOf(hello))).rejects.toMatchObject(unknown);
  });

  test('expires', async () => {
    const kit = await startHosted(each, { uploadExpiryMs: dayMs });
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    kit.clock.now += dayMs - 1;
    expect(await uploads.append(id, partOf('hello'))).toBe(5);
    kit.clock.now += 1;
    await expect(uploads.append(id, partOf('hello'))).rejects.toMatchObject(unknown);
  });

  test('is one of as many as its writer may have', async () => {
    const kit = await startHosted(each, { maxUploads: 2, uploadExpiryMs: dayMs });
    const { uploads } = await kit.repository();
    const first = await uploads.start();
    await uploads.start();
    await expect(uploads.start()).rejects.toMatchObject({
      code: 'TOOMANYREQUESTS',
      detail: expect.stringContaining('2 uploads of yours are unfinished'),
      headers: { 'Retry-After': '60' },
    });
    await (await kit.repository('acme/shop', bob)).uploads.start();
    await uploads.commit(first, digest, partOf(hello));
    await uploads.start();
    await expect(uploads.start()).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' });
    kit.clock.now += dayMs;
    await uploads.start();
  });

  describe('that comes whole with its end, and is small,', () => {
    const whole = () => ({ ...partOf(hello), length: hello.length });

    test('is not made ready for going on', async () => {
      const append = () => {
        throw new Error('nothing is appended to an upload');
      };
      const kit = await startHosted(each, { spools: { append } });
      const repository = await kit.repository();
      const id = await repository.uploads.start();
      await repository.uploads.commit(id, digest, whole());
      expect(await bytesOf(await repository.blob(digest))).toEqual(hello);
      expect([...(await kit.files('uploads')), ...(await kit.files('spool'))]).toEqual([]);
      await repository.uploads.commit(id, digest, whole());
      await expect(repository.uploads.status(id)).rejects.toMatchObject(unknown);
    });

    test('begins anew where it breaks off', async () => {
      const kit = await startHosted(each);
      const { uploads } = await kit.repository();
      const id = await uploads.start();
      const body = new OpenBody('hello');
      body.give(new Error('the client went away'));
      await expect(uploads.commit(id, digest, { body, start: 0, length: 12 })).rejects.toThrow('went away');
      expect(await uploads.status(id)).toBe(0);
      await uploads.commit(id, digest, whole());
      expect([...(await kit.files('uploads')), ...(await kit.files('spool'))]).toEqual([]);
    });

    test('is over where it has another digest', async () => {
      const kit = await startHosted(each);
      const { uploads } = await kit.repository();
      const id = await uploads.start();
      const others = { ...partOf('others'), length: 6 };
      await expect(uploads.commit(id, digest, others)).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
      await expect(uploads.status(id)).rejects.toMatchObject(unknown);
      expect([...(await kit.files('blobs')), ...(await kit.files('spool'))]).toEqual([]);
    });

    test('goes behind what another process has of it', async () => {
      const kit = await startHosted(each);
      const { uploads } = await kit.repository();
      const id = await uploads.start();
      await (await kit.another().repository()).uploads.append(id, partOf('hello, '));
      await uploads.commit(id, digest, { ...partOf('world'), length: 5 });
      expect([...(await kit.files('uploads')), ...(await kit.files('spool'))]).toEqual([]);
    });
  });

  test('that breaks off keeps what came, and goes on from there', async () => {
    const { uploads } = await (await startHosted(each)).repository();
    const id = await uploads.start();
    const body = new OpenBody();
    body.give(Buffer.from('hello'));
    body.give(Buffer.from(', '));
    body.give(new Error('the client went away'));
    const part = { body, start: 0, length: 12 };
    await expect(uploads.append(id, part)).rejects.toThrow('the client went away');
    expect(await uploads.status(id)).toBe(7);
    await uploads.commit(id, digest, partOf('world', 7));
  });

  describe('that is larger than allowed', () => {
    const detail = expect.stringContaining('a blob may have 10 bytes');
    const tooLarge = { code: 'SIZE_INVALID', status: 413, detail };

    test('is refused before it comes, where its length is known', async () => {
      const { uploads } = await (await startHosted(each, { maxUploadBytes: 10 })).repository();
      const id = await uploads.start();
      await uploads.append(id, { ...partOf('hello'), length: 5 });
      const body = new OpenBody();
      await expect(uploads.append(id, { body, start: 5, length: 6 })).rejects.toMatchObject(tooLarge);
      expect(await uploads.status(id)).toBe(5);
    });

    test('is refused as it comes, where it is not', async () => {
      const { uploads } = await (await startHosted(each, { maxUploadBytes: 10 })).repository();
      const id = await uploads.start();
      await uploads.append(id, partOf('hello'));
      await expect(uploads.append(id, partOf('hello!'))).rejects.toMatchObject(tooLarge);
      await expect(uploads.commit(id, digest, partOf('hello!'))).rejects.toMatchObject(tooLarge);
      expect(await uploads.append(id, partOf('hello'))).toBe(10);
    });
  });

  test.each(['hell', 'hello!'])(
    'of another length than announced is refused: %s for 5 bytes',
    async (text) => {
      const { uploads } = await (await startHosted(each)).repository();
      const id = await uploads.start();
      await expect(uploads.append(id, { ...partOf(text), length: 5 })).rejects.toMatchObject({
        code: 'SIZE_INVALID',
        status: 400,
        detail: expect.stringMatching(/^5 bytes were announced, and (4|more) came: /),
      });
      const length = await uploads.status(id);
      expect(length).toBeLessThanOrEqual(5);
      await uploads.commit(id, digest, partOf(hello.subarray(length), length));
    },
  );

  test('of the same blob by two at once is acknowledged to both, and kept once', async () => {
    const kit = await startHosted(each);
    const repositories = [await kit.repository(), await kit.repository('acme/shop/web', bob)];
    await Promise.all([...repositories, ...repositories].map((repository) => pushBlob(repository, hello)));
    for (const repository of repositories)
      expect(await bytesOf(await repository.blob(digest))).toEqual(hello);
    expect(await kit.files('blobs')).toHaveLength(1);
  });

  test('of a blob whose bytes were lost brings them back', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushBlob(repository, hello);
    const record = await kit.database.blobs.find(digest);
    await kit.store.delete(record?.storageKey ?? '');
    const unknown = { code: 'BLOB_UNKNOWN' };
    await expect(repository.blob(digest)).rejects.toMatchObject(unknown);
    await expect(repository.blob(digest)).rejects.toMatchObject(unknown);
    await expect(repository.statBlob(digest)).rejects.toMatchObject(unknown);
    expect(kit.errors).toEqual(['the bytes of a pushed blob are gone']);
    await pushBlob(repository, hello);
    expect(await repository.statBlob(digest)).toMatchObject({ size: hello.length });
    expect(await bytesOf(await repository.blob(digest))).toEqual(hello);
  });

  test('to a project that is deleted meanwhile is told so, and leaves nothing', async () => {
    const kit = await startHosted(each);
    const { uploads } = await kit.repository();
    const id = await uploads.start();
    const body = new OpenBody();
    body.give(hello);
    const committed = uploads.commit(id, digest, { body, start: undefined, length: undefined });
    const project = await kit.database.projects.findByPath('acme/shop');
    await kit.database.projects.remove(project?.id ?? 0);
    body.give(undefined);
    const gone = { code: 'NAME_UNKNOWN', status: 404 };
    await expect(committed).rejects.toMatchObject(gone);
    await expect(uploads.start()).rejects.toMatchObject(gone);
    expect(await kit.files('blobs')).toEqual([]);
  });
});
