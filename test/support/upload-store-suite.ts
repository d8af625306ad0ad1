/** What every UploadStore promises, whatever keeps its bytes. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { type BlobStore, type Spool, SpoolError, type StorageKey } from '../../src/storage/blob-store.ts';
import { TakenOverError, type UploadStore } from '../../src/storage/upload-store.ts';
import { seededBytes } from './fake-content.ts';

export interface UploadStoreUnderTest {
  /** Another store of the same uploads, as another process has it. */
  create(): UploadStore;
  /** Reads what uploads were committed to. */
  readonly blobs: Pick<BlobStore, 'open'>;
  /** What is appended is only kept when it is closed: who takes an upload over that is open finds it as it was before. */
  readonly keepsOnClose?: boolean;
  /** Makes every write fail from now on, as a full disk does. Undefined where that cannot be had. */
  readonly breakWriting?: (() => Promise<void>) | undefined;
  readonly mendWriting?: (() => Promise<void>) | undefined;
  dispose(): Promise<void>;
}

const id = '0a1b-Upload';
const hello = Buffer.from('hello ');
const world = Buffer.from('world');

/** @param setUp gives empty stores */
export function describeUploadStore(name: string, setUp: () => Promise<UploadStoreUnderTest>): void {
  describe(`${name} as an upload store`, () => {
    let underTest: UploadStoreUnderTest;
    let here: UploadStore;
    let elsewhere: UploadStore;
    const opened: Spool[] = [];

    beforeEach(async () => {
      underTest = await setUp();
      here = underTest.create();
      elsewhere = underTest.create();
    });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((spool) => spool.close().catch(() => undefined)));
      await underTest.dispose();
    });

    async function open(store = here, upload = id): Promise<Spool> {
      const spool = await store.openUpload(upload);
      opened.push(spool);
      return spool;
    }

    test('an upload that is said to be new goes on where it is none', async () => {
      const begun = await here.openUpload(id, true);
      opened.push(begun);
      await begun.append(hello);
      await begun.close();
      for (const store of [elsewhere, here]) {
        const again = await store.openUpload(id, true);
        opened.push(again);
        expect(again.length).toBe(hello.length);
        await again.close();
      }
    });

    async function append(bytes: Buffer, store = here, upload = id): Promise<void> {
      const spool = await open(store, upload);
      await spool.append(bytes);
      await spool.close();
    }

    async function readBlob(key: StorageKey): Promise<string> {
      const blob = await underTest.blobs.open(key);
      if (!blob) throw new Error(`there is no ${key}`);
      const buffer = Buffer.alloc(blob.size);
      await blob.readAt(buffer, 0);
      await blob.close();
      return buffer.toString();
    }

    test('an upload begins empty and goes on where it was closed, here and elsewhere', async () => {
      expect((await open()).length).toBe(0);
      await append(hello);
      await append(world, elsewhere);
      const spool = await open();
      expect(spool.length).toBe(11);
      expect(await contentOf(spool)).toBe('hello world');
      await spool.append(Buffer.from('!'));
      expect(await readBlob(await spool.commit(digestOf(Buffer.from('hello world!'))))).toBe('hello world!');
    });

    test('its length is that of its bytes once they are sure to count, and never more than was appended', async () => {
      expect(await here.uploadLength(id)).toBe(0);
      const spool = await open();
      await spool.append(hello);
      expect([0, 6]).toContain(await elsewhere.uploadLength(id));
      await spool.close();
      expect(await here.uploadLength(id)).toBe(6);
    });

    test('many uploads grow at once without mixing', async () => {
      const ids = Array.from({ length: 20 }, (_, index) => `upload-${index}`);
      const contents = ids.map((_, index) => seededBytes(30_000 + index, index));
      await Promise.all(
        ids.map(async (each, index) => {
          const bytes = contents[index] ?? Buffer.of();
          await append(bytes.subarray(0, 10_000), here, each);
          await append(bytes.subarray(10_000), elsewhere, each);
        }),
      );
      for (const [index, each] of ids.entries()) {
        const bytes = contents[index] ?? Buffer.of();
        expect(await contentOf(await open(here, each))).toBe(bytes.toString());
      }
    });

    test('who opens an upload has it: who had it before can neither commit nor close it', async () => {
      const [first, second] = [await open(), await open()];
      await first.append(hello).catch(() => undefined);
      await expect(first.commit(digestOf(hello))).rejects.toThrow(TakenOverError);
      await expect(second.close()).resolves.toBeUndefined();

      await append(hello);
      const [third, fourth] = [await open(), await open(elsewhere)];
      await expect(third.close()).rejects.toThrow(TakenOverError);
      expect(await contentOf(fourth)).toBe('hello ');
    });

    test('what is appended after a takeover does not count, before and after the commit', async () => {
      const old = await open();
      await old.append(hello);
      const taker = await open(elsewhere);
      const kept = underTest.keepsOnClose ? '' : 'hello ';
      expect(await contentOf(taker)).toBe(kept);
      await old.append(Buffer.from('nobody')).catch(() => undefined);
      await taker.append(world);
      const key = await taker.commit(digestOf(Buffer.from(`${kept}world`)));
      await old.append(Buffer.from('nobody')).catch(() => undefined);
      await expect(old.commit(digestOf(hello))).rejects.toThrow(TakenOverError);
      expect(await readBlob(key)).toBe(`${kept}world`);
      expect(await here.uploadLength(id)).toBe(0);
    });

    test('who was taken over and aborts removes nothing', async () => {
      const old = await open();
      await old.append(hello);
      const taker = await open(elsewhere);
      await old.abort();
      await old.close();
      await taker.append(world);
      await taker.close();
      expect(await contentOf(await open())).toBe(underTest.keepsOnClose ? 'world' : 'hello world');
    });

    test('a takeover can be taken over, and the one who had it first does not come back by it', async () => {
      const spools = [await open(), await open(elsewhere), await open()];
      const [first, second, third] = spools;
      await third?.append(hello);
      await third?.close();
      await expect(first?.close()).rejects.toThrow(TakenOverError);
      await expect(second?.commit(digestOf(Buffer.of()))).rejects.toThrow(TakenOverError);
      expect(await here.uploadLength(id)).toBe(6);
    });

    test('what was closed is in what comes next, however many want it at once', async () => {
      const marks: string[] = [];
      const stores = Array.from({ length: 6 }, () => underTest.create());
      await Promise.all(
        stores.map(async (store, index) => {
          for (let round = 0; round < 25; round += 1) {
            const mark = `${index}:${String(round).padStart(2, '0')};`;
            try {
              await append(Buffer.from(mark), store);
              marks.push(mark);
            } catch (error) {
              expect(error).toBeInstanceOf(TakenOverError);
            }
          }
        }),
      );
      const content = await contentOf(await open());
      expect(content).toMatch(/^(?:\d:\d\d;)+$/);
      expect(marks.length).toBeGreaterThan(0);
      for (const mark of marks) expect(content.split(mark), mark).toHaveLength(2);
    });

    test('a commit and a takeover at once: one of the two has the bytes', async () => {
      for (let round = 0; round < 60; round += 1) {
        const upload = `round-${round}`;
        const old = await open(here, upload);
        await old.append(hello);
        const [commit, taker] = await Promise.allSettled([
          old.commit(digestOf(hello)),
          open(elsewhere, upload),
        ]);
        if (taker.status === 'rejected') throw taker.reason;
        if (commit.status === 'fulfilled') expect(await readBlob(commit.value)).toBe('hello ');
        else expect(commit.reason).toBeInstanceOf(TakenOverError);
        const taken = await contentOf(taker.value);
        if (commit.status === 'fulfilled') expect(taken).toBe('');
        // The commit may have put what was gathered where the other finds it, and was then refused.
        else expect(underTest.keepsOnClose ? ['', 'hello '] : ['hello ']).toContain(taken);
      }
    });

    test('an upload that was committed or aborted has no bytes and begins anew', async () => {
      const committed = await open();
      await committed.append(hello);
      await committed.commit(digestOf(hello));
      await committed.close();
      expect(await here.listUploads()).toEqual([]);
      const aborted = await open();
      expect(aborted.length).toBe(0);
      await aborted.append(hello);
      await aborted.abort();
      expect(await contentOf(aborted)).toBe('hello ');
      await aborted.close();
      expect(await here.listUploads()).toEqual([]);
      expect((await open()).length).toBe(0);
    });

    test('what is removed is gone, also where it is open', async () => {
      await append(hello);
      await here.removeUpload(id);
      expect(await here.uploadLength(id)).toBe(0);
      const spool = await open();
      await spool.append(hello);
      await elsewhere.removeUpload(id);
      await expect(spool.commit(digestOf(hello))).rejects.toThrow(TakenOverError);
      expect(await here.listUploads()).toEqual([]);
      await here.removeUpload(id);
    });

    test('all that have bytes are listed once', async () => {
      expect(await here.listUploads()).toEqual([]);
      await append(hello, here, 'one');
      await append(hello, here, 'two');
      await open(here, 'two');
      await open(elsewhere, 'two');
      await open(here, 'three');
      expect([...(await here.listUploads())].sort()).toEqual(['one', 'three', 'two']);
    });

    test('a text that is no id is refused, wherever it points', async () => {
      for (const text of ['', '.', '..', '../spool', 'a/b', 'a.b', `${id}\n`, 'a'.repeat(65)]) {
        await expect(here.openUpload(text), text).rejects.toThrow('not the id');
        await expect(here.uploadLength(text), text).rejects.toThrow('not the id');
        await expect(here.removeUpload(text), text).rejects.toThrow('not the id');
      }
    });

    test('where nothing can be written, that is what is said, and what came before is kept', async ({
      skip,
    }) => {
      const { breakWriting, mendWriting } = underTest;
      if (!breakWriting || !mendWriting) return skip('no way to break writing here');
      const bytes = seededBytes(200_000, 1);
      await append(bytes, here, 'closed');
      const old = await open();
      await old.append(bytes);
      await breakWriting();
      await expect(elsewhere.openUpload(id)).rejects.toThrow(SpoolError);
      const spool = await open(here, 'closed');
      await expect(spool.append(Buffer.alloc(1024 * 1024))).rejects.toThrow(SpoolError);
      await expect(spool.append(hello)).rejects.toThrow('broken');
      await expect(spool.commit(digestOf(bytes))).rejects.toThrow('broken');
      await spool.close();
      expect(await here.uploadLength('closed')).toBeGreaterThanOrEqual(bytes.length);
      await mendWriting();
      for (const upload of [id, 'closed']) {
        const content = await contentOf(await open(elsewhere, upload));
        expect(content.slice(0, bytes.toString().length)).toBe(bytes.toString());
      }
    });
  });
}

async function contentOf(spool: Spool): Promise<string> {
  const buffer = Buffer.alloc(spool.length);
  for (let position = 0; position < buffer.length; ) {
    position += await spool.readAt(buffer.subarray(position), position);
  }
  return buffer.toString();
}
