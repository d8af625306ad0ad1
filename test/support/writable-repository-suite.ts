/** What every WritableRepository promises besides what it can be read for. */
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { parseTag } from '../../src/oci/reference.ts';
import type { ReadableRepository, WritableRepository } from '../../src/oci/repository.ts';
import type { UploadPart } from '../../src/oci/uploads.ts';
import { fakeArtifact, fakeImage } from './fake-content.ts';

const text = 'the bytes of a blob';
const digest = digestOf(Buffer.from(text));
const absent = digestOf(Buffer.from('absent'));
const image = fakeImage();
const signature = fakeArtifact(image, 'application/x.signature');
const [v1, v2, latest] = ['v1', 'v2', 'latest'].map(parseTag);

export interface WritableUnderTest {
  /** With nothing in it. */
  readonly repository: WritableRepository;
  /** Another one that has a blob of this text. */
  sourceWith(text: string): Promise<ReadableRepository>;
}

/** @param create only inside a test */
export function describeWritableRepository(name: string, create: () => Promise<WritableUnderTest>): void {
  const open = async () => (await create()).repository;

  describe(`${name} as a writable repository`, () => {
    test('takes a blob in parts, tells how far it is, and has it once it is committed', async () => {
      const repository = await open();
      const { uploads } = repository;
      const id = await uploads.start();
      expect(await uploads.status(id)).toBe(0);
      expect(await uploads.append(id, partOf(text.slice(0, 5), 0))).toBe(5);
      expect(await uploads.append(id, partOf(text.slice(5, 9)))).toBe(9);
      expect(await uploads.status(id)).toBe(9);
      await expect(repository.statBlob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
      await uploads.commit(id, digest, partOf(text.slice(9), 9));
      expect(await repository.statBlob(digest)).toMatchObject({ digest, size: text.length });
      await uploads.commit(id, digest, partOf(''));
    });

    test('refuses a part that is out of order, and leaves the upload as it was', async () => {
      const { uploads } = await open();
      const id = await uploads.start();
      await uploads.append(id, partOf('12345'));
      for (const start of [0, 6])
        await expect(uploads.append(id, partOf('x', start))).rejects.toMatchObject({
          code: 'BLOB_UPLOAD_INVALID',
          status: 416,
        });
      expect(await uploads.status(id)).toBe(5);
    });

    test('refuses a part that is not as long as it says', async () => {
      const { uploads } = await open();
      const part = { ...partOf('12345'), length: 6 };
      await expect(uploads.append(await uploads.start(), part)).rejects.toMatchObject({
        code: 'SIZE_INVALID',
      });
    });

    test('refuses bytes that have another digest, and the upload is over', async () => {
      const repository = await open();
      const { uploads } = repository;
      const id = await uploads.start();
      await expect(uploads.commit(id, absent, partOf(text))).rejects.toMatchObject({
        code: 'DIGEST_INVALID',
      });
      await expect(uploads.status(id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
      for (const each of [digest, absent])
        await expect(repository.statBlob(each)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    });

    test('knows no upload that was never started, or that was cancelled', async () => {
      const { uploads } = await open();
      const id = await uploads.start();
      await uploads.cancel(id);
      for (const each of [id, '00000000-0000-4000-8000-000000000000'])
        for (const ask of [
          () => uploads.status(each),
          () => uploads.append(each, partOf('x')),
          () => uploads.commit(each, digest, partOf(text)),
          () => uploads.cancel(each),
        ])
          await expect(ask()).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
    });

    test('keeps manifests byte for byte, by tag and by digest with further tags', async () => {
      const repository = await open();
      await pushBlobsOf(repository, image);
      const push = { payload: image.payload, contentType: image.mediaType, tags: [] };
      if (!v1 || !v2 || !latest) throw new Error('no tags');
      expect(await repository.putManifest(v1, push)).toEqual({ digest: image.digest, subject: undefined });
      await repository.putManifest(image.digest, { ...push, tags: [v2, latest] });
      const { payload, mediaType } = image;
      for (const reference of [v1, v2, latest, image.digest])
        expect(await repository.manifest(reference, true)).toMatchObject({ payload, mediaType });
      await expect(repository.putManifest(absent, push)).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
    });

    test('says which manifest a pushed one belongs to', async () => {
      const repository = await open();
      await pushBlobsOf(repository, signature);
      const push = { payload: signature.payload, contentType: signature.mediaType, tags: [] };
      const { digest: stored, subject } = await repository.putManifest(signature.digest, push);
      expect([stored, subject]).toEqual([signature.digest, image.digest]);
      const { descriptors } = await repository.referrers(image.digest);
      expect(descriptors.map((each) => each.digest)).toEqual([signature.digest]);
    });

    test('deletes a tag alone, and a manifest with its tags', async () => {
      const repository = await open();
      await pushBlobsOf(repository, image);
      if (!v1 || !v2) throw new Error('no tags');
      const push = { payload: image.payload, contentType: image.mediaType, tags: [v1, v2] };
      await repository.putManifest(image.digest, push);
      await repository.deleteManifest(v1);
      for (const unknown of [() => repository.manifest(v1, true), () => repository.deleteManifest(v1)])
        await expect(unknown()).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
      expect((await repository.manifest(v2, true)).digest).toBe(image.digest);
      await repository.deleteManifest(image.digest);
      for (const reference of [v2, image.digest])
        for (const unknown of [
          () => repository.manifest(reference, true),
          () => repository.deleteManifest(reference),
        ])
          await expect(unknown()).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
      expect((await repository.tags({ after: '', limit: 9 })).tags).toEqual([]);
    });

    test('deletes a blob once', async () => {
      const repository = await open();
      await push(repository, text);
      await repository.deleteBlob(digest);
      await expect(repository.statBlob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
      await expect(repository.deleteBlob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    });

    test('mounts what another repository has, and nothing else', async () => {
      const { repository, sourceWith } = await create();
      const source = await sourceWith(text);
      expect(await repository.mount(absent, source)).toBe(false);
      expect(await repository.mount(digest, source)).toBe(true);
      expect(await repository.statBlob(digest)).toMatchObject({ size: text.length });
    });
  });
}

function partOf(bytes: string, start?: number): UploadPart {
  async function* body() {
    if (bytes !== '') yield Buffer.from(bytes);
  }
  return { body: body(), start, length: undefined };
}

async function push({ uploads }: WritableRepository, bytes: string): Promise<void> {
  await uploads.commit(await uploads.start(), digestOf(Buffer.from(bytes)), partOf(bytes));
}

async function pushBlobsOf(repository: WritableRepository, { config }: typeof image): Promise<void> {
  if (config) await push(repository, Buffer.concat([...config.read(0, config.size)]).toString());
}
