import { expect, onTestFinished, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { bytesOf, errorOf } from '../support/bodies.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { createProject, locationOf, Pusher, wholeOf } from '../support/pushing.ts';

const dayMs = 24 * 60 * 60 * 1000;
const blob = seededBlob(3_000_000, 1);
const bytes = wholeOf(blob);
const { digest } = blob;
const [first, second, third] = [
  bytes.subarray(0, 1_000_000),
  bytes.subarray(1_000_000, 2_000_000),
  bytes.subarray(2_000_000),
];

/** Where the server says that the upload ends. */
async function rangeOf(pusher: Pusher, location: string): Promise<string | null> {
  const answer = await pusher.at(location, 'GET');
  expect(answer.status).toBe(204);
  expect(answer.headers.has('location')).toBe(true);
  return answer.headers.get('range');
}

describeApp('an upload', (start) => {
  test('goes on after the server was stopped between two parts, and again before the last', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const location = await pusher.start();
    await pusher.patch(location, first, 0);
    await app.stop();
    await app.resume();
    expect(await rangeOf(pusher, location)).toBe('0-999999');
    expect((await pusher.patch(location, second, 1_000_000)).status).toBe(202);
    await app.stop();
    await app.resume();
    expect((await pusher.put(location, digest, third, 2_000_000)).status).toBe(201);
    expect(await bytesOf(await pusher.ask('GET', `blobs/${digest}`))).toEqual(bytes);
    expect(await app.filesUnder('uploads')).toEqual([]);
  });

  test('whose part comes out of order is answered 416, and goes on where it was', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const location = locationOf(await pusher.patch(await pusher.start(), first, 0));
    for (const answer of [
      await pusher.patch(location, third, 2_000_000),
      await pusher.patch(location, first, 0),
      await pusher.put(location, digest, third, 2_000_000),
    ]) {
      expect(answer.status).toBe(416);
      expect(answer.headers.get('range')).toBe('0-999999');
      expect(answer.headers.has('location')).toBe(true);
      expect((await errorOf(answer)).code).toBe('BLOB_UPLOAD_INVALID');
    }
    expect(await rangeOf(pusher, location)).toBe('0-999999');
    expect((await pusher.patch(location, second, 1_000_000)).status).toBe(202);
    expect((await pusher.put(location, digest, third, 2_000_000)).status).toBe(201);
  });

  test('that the client breaks off keeps what came', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const location = await pusher.start();
    const leaving = new AbortController();
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(first),
    });
    const init: RequestInit = { body, duplex: 'half', signal: leaving.signal };
    const patch = pusher.at(location, 'PATCH', init).catch(() => undefined);
    await eventually(async () => expect(await app.filesUnder('uploads')).toHaveLength(1));
    leaving.abort();
    await patch;
    let from = 0;
    await eventually(async () => {
      const [, last] = /^0-(\d+)$/.exec((await rangeOf(pusher, location)) ?? '') ?? [];
      from = Number(last) + 1;
      expect(from).toBeGreaterThan(1);
    });
    expect((await pusher.patch(location, bytes.subarray(from), from)).status).toBe(202);
    expect((await pusher.put(location, digest)).status).toBe(201);
  });

  test('that was committed may be committed again by a client that did not hear of it', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const location = await pusher.start();
    expect((await pusher.put(location, digest, bytes)).status).toBe(201);
    expect((await pusher.put(location, digest, bytes)).status).toBe(201);
    expect((await pusher.at(location, 'GET')).status).toBe(404);
  });

  test('that is cancelled is over, and leaves nothing', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const location = await pusher.start();
    await pusher.patch(location, bytes);
    expect((await pusher.at(location, 'DELETE')).status).toBe(204);
    expect((await pusher.at(location, 'DELETE')).status).toBe(404);
    expect(await app.filesUnder('uploads')).toEqual([]);
  });

  test('expires, with what came of it', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const location = await pusher.start();
    await pusher.patch(location, bytes);
    app.advance(7 * dayMs);
    const answer = await pusher.put(location, digest);
    expect(answer.status).toBe(404);
    expect((await errorOf(answer)).code).toBe('BLOB_UPLOAD_UNKNOWN');
    await app.stop();
    await app.resume();
    await eventually(async () => expect(await app.filesUnder('uploads')).toEqual([]));
  });

  test('is one of as many as a user may have', async () => {
    await using app = await start({ environment: { ENTREPOT_HOSTED__MAX_UPLOADS: '2' } });
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.start();
    const location = await pusher.start();
    const answer = await pusher.ask('POST', 'blobs/uploads/');
    expect(answer.status).toBe(429);
    expect(answer.headers.has('retry-after')).toBe(true);
    await pusher.at(location, 'DELETE');
    await pusher.start();
  });
});

describeEachDatabase('two processes on one database and directory', (_open, { name, createPlace }) => {
  async function startTwo(): Promise<readonly [TestApp, TestApp]> {
    const app = await TestApp.start({ databaseUrl: (await createPlace()).url });
    onTestFinished(() => app.close());
    const other = await app.startAnother();
    onTestFinished(() => other.stop());
    await createProject(app, 'acme/shop');
    return [app, other];
  }

  // SQLite is for one process.
  test.skipIf(name === 'SQLite')(
    'take turns with one upload, whose end is seen by both at once',
    async () => {
      const [app, other] = await startTwo();
      const [one, two] = [new Pusher(app, 'acme/shop'), new Pusher(other, 'acme/shop')];
      const location = await one.start();
      expect((await one.patch(location, first, 0)).status).toBe(202);
      expect(await rangeOf(two, location)).toBe('0-999999');
      expect((await two.patch(location, second, 1_000_000)).status).toBe(202);
      expect((await one.put(location, digest, third, 2_000_000)).status).toBe(201);
      for (const pusher of [one, two])
        expect(await bytesOf(await pusher.ask('GET', `blobs/${digest}`))).toEqual(bytes);
      expect((await two.put(location, digest)).status).toBe(201);
    },
  );

  test.skipIf(name === 'SQLite')('serve what is pushed to either', async () => {
    const [app, other] = await startTwo();
    const [one, two] = [new Pusher(app, 'acme/shop'), new Pusher(other, 'acme/shop')];
    const image = fakeImage({ layers: [blob] });
    await one.image(image, 'v1');
    expect(await bytesOf(await two.ask('GET', 'manifests/v1'))).toEqual(image.payload);
    const newer = fakeImage({ layers: [blob], architecture: 'arm64' });
    await two.image(newer, 'v1');
    expect(await bytesOf(await one.ask('GET', 'manifests/v1'))).toEqual(newer.payload);
    expect((await one.ask('DELETE', 'manifests/v1')).status).toBe(202);
    expect((await two.ask('HEAD', 'manifests/v1')).status).toBe(404);
  });

  test.skipIf(name === 'SQLite')('acknowledge the same blob to all who push it to both at once', async () => {
    const apps = await startTwo();
    const pushers = apps.flatMap((app) =>
      ['acme/shop', 'acme/shop/web'].map((repository) => new Pusher(app, repository)),
    );
    await Promise.all([...pushers, ...pushers].map((pusher) => pusher.blob(blob)));
    for (const pusher of pushers)
      expect(await bytesOf(await pusher.ask('GET', `blobs/${digest}`))).toEqual(bytes);
    expect(await apps[0].filesUnder('')).toHaveLength(1);
  });
});
