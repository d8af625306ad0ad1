/** What clients of a whole server see while its bucket does what buckets and networks do, and that all goes on once it is over. */
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { openS3 } from '../../src/storage/s3/s3-storage.ts';
import { TestApp } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { type FakeManifest, fakeImage, seededBlob, seededBytes } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, Pusher, wholeOf } from '../support/pushing.ts';
import { createBucket, listUnfinished, s3EnvironmentOf, s3SettingsOf } from '../support/s3-bucket.ts';
import { type BucketFault, FaultyBucket } from '../support/storage-servers/faulty-bucket.ts';
import { holdStorageServer } from '../support/storage-servers/held-server.ts';
import { whyMissing } from '../support/storage-servers/servers.ts';

const why = whyMissing('versitygw');
if (why !== undefined) console.log(why);

/** Bigger than what is kept in memory. */
const layer = seededBlob(300_000, 1);
const image: FakeManifest = fakeImage({ layers: [layer] });

interface FaultCase {
  readonly fault: BucketFault;
  readonly said: string;
}

const faults: Readonly<Record<string, FaultCase>> = {
  'that cannot be reached': { fault: { kind: 'refused' }, said: 'the object storage cannot be reached' },
  'that asks to be left alone': {
    fault: { kind: 'answered', status: 503, code: 'SlowDown' },
    said: 'the object storage asks to come again later',
  },
  'that refuses us': {
    fault: { kind: 'answered', status: 403, code: 'AccessDenied' },
    said: 'the server may not use its object storage',
  },
  'for which our credentials have ended': {
    fault: { kind: 'answered', status: 400, code: 'ExpiredToken' },
    said: 'the server may not use its object storage',
  },
  'whose clock is another': {
    fault: { kind: 'answered', status: 403, code: 'RequestTimeTooSkewed' },
    said: 'the clock of the server is not that of its object storage',
  },
  'that fails': {
    fault: { kind: 'answered', status: 500, code: 'InternalError' },
    said: 'the object storage fails',
  },
  'that is full': {
    fault: { kind: 'answered', status: 507, code: 'XMinioStorageFull' },
    said: 'the object storage is full',
  },
  'whose answers are lost': { fault: { kind: 'lost' }, said: 'the object storage cannot be reached' },
};

const isRight = async (answer: Response, digest: string) =>
  answer.status === 200 && digestOf(Buffer.from(await answer.arrayBuffer())) === digest;

describe.skipIf(why !== undefined)('a bucket', () => {
  const server = holdStorageServer('versitygw');
  beforeAll(() => createBucket(server().endpoint));

  /** A driver behind what does to it what it is told. */
  async function openFaulty(answerMs?: number) {
    const bucket = await FaultyBucket.before(server().endpoint);
    const storage = await openS3(s3SettingsOf(bucket.endpoint), answerMs);
    onTestFinished(async () => {
      storage.close();
      await bucket.close();
    });
    return { bucket, storage };
  }

  async function startWithImage(root: string) {
    const bucket = await FaultyBucket.before(server().endpoint);
    const upstream = await new FakeRegistry().start();
    const app = await TestApp.start({
      environment: s3EnvironmentOf(bucket.endpoint, root),
      upstreams: [upstream],
    });
    onTestFinished(async () => {
      bucket.faultOf = undefined;
      await app.close();
      await upstream.stop();
      await bucket.close();
    });
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'latest');
    const pullLayer = () => pusher.ask('GET', `blobs/${layer.digest}`);
    return { bucket, app, upstream, pusher, pullLayer };
  }

  test.each(Object.entries(faults))(
    '%s keeps nobody from what is in the records or comes from upstreams, refuses the rest, and is used again once it is well',
    async (what, { fault, said }) => {
      const { bucket, app, pusher, upstream, pullLayer } = await startWithImage(what.replaceAll(' ', '-'));
      bucket.faultOf = () => fault;
      for (const [method, path] of [
        ['GET', 'manifests/latest'],
        ['HEAD', 'manifests/latest'],
        ['GET', 'tags/list'],
      ] as const)
        expect((await pusher.ask(method, path)).status).toBe(200);
      const [cold] = upstream
        .repository('library/cold')
        .addImage({ layers: [seededBlob(300_000, 3)] }).layers;
      const coldDigest = cold?.digest ?? '';
      const coldPath = `virtual_registries/container/1/library/cold/blobs/${coldDigest}`;
      expect(await isRight(await app.v2(coldPath), coldDigest)).toBe(true);

      const refused = await pullLayer();
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await refused.text()).toContain('object storage');
      const more = seededBytes(300_000, 2);
      const pushed = await pusher.put(await pusher.start(), digestOf(more), more);
      expect([pushed.status, await pushed.text()]).toEqual([503, expect.stringContaining(said)]);

      bucket.faultOf = undefined;
      await eventually(async () => expect(await isRight(await pullLayer(), layer.digest)).toBe(true));
      await pusher.blob(more);
      expect(await isRight(await pusher.ask('GET', `blobs/${digestOf(more)}`), digestOf(more))).toBe(true);
      expect(await isRight(await app.v2(coldPath), coldDigest)).toBe(true);
    },
    90_000,
  );

  test('that takes five seconds for each request serves and stores all, and what is in the records at once', async () => {
    const { bucket, pusher, pullLayer } = await startWithImage('slow');
    let met = 0;
    bucket.faultOf = () => {
      met += 1;
      return { kind: 'late', ms: 5000 };
    };
    const pulled = pullLayer();
    const pushed = pusher.blob(seededBytes(300_000, 2));
    expect((await pusher.ask('GET', 'manifests/latest')).status).toBe(200);
    expect(await isRight(await pulled, layer.digest)).toBe(true);
    await pushed;
    expect(met).toBeGreaterThan(0);
  }, 90_000);

  test('whose transfers break off again and again is read on where they did', async () => {
    const { bucket, pullLayer } = await startWithImage('cut');
    let cut = 0;
    bucket.faultOf = ({ method }) => {
      if (method !== 'GET') return undefined;
      cut += 1;
      return { kind: 'cut', afterBytes: 120_000 };
    };
    expect(await isRight(await pullLayer(), layer.digest)).toBe(true);
    expect(cut).toBeGreaterThan(1);
  });

  test.each<[string, BucketFault]>([
    ['has lost the end of an object', { kind: 'short', bytes: 200_000 }],
    ['passes over ranges', { kind: 'whole' }],
  ])('that %s gives nobody wrong bytes', async (_, fault) => {
    const { bucket, pusher } = await startWithImage(fault.kind);
    bucket.faultOf = () => fault;
    const range = { headers: { range: 'bytes=100000-' } };
    const answer = await pusher.ask('GET', `blobs/${layer.digest}`, range);
    const bytes = await answer.arrayBuffer().catch(() => undefined);
    if (answer.status === 206 && bytes)
      expect(Buffer.from(bytes).equals(wholeOf(layer).subarray(100_000))).toBe(true);
    else expect([206, 503]).toContain(answer.status);
  });

  test('that says nothing is taken for one that cannot be reached, once it had the time for an answer', async () => {
    const { bucket, storage } = await openFaulty(500);
    bucket.faultOf = () => ({ kind: 'silent' });
    for (const call of [
      () => storage.head('v1/x'),
      () => storage.read('v1/x', 0, 10),
      () => storage.begin('v1/x'),
      () => storage.abort({ key: 'v1/x', id: 'x' }),
      () => storage.delete('v1/x'),
    ])
      await expect(call()).rejects.toMatchObject({ fault: 'unreachable' });
  });

  test('whose answer to a beginning was lost keeps no upload that nobody knows of', async () => {
    const { bucket, storage } = await openFaulty();
    let hasLost = false;
    bucket.faultOf = ({ method, url }) => {
      if (hasLost || method !== 'POST' || !url?.includes('uploads')) return undefined;
      hasLost = true;
      return { kind: 'lost' };
    };
    const id = await storage.begin('v1/x');
    expect(hasLost).toBe(true);
    expect(await listUnfinished(server().endpoint)).toEqual([id]);
    await storage.abort({ key: 'v1/x', id });
    expect(await listUnfinished(server().endpoint)).toEqual([]);
  });
});
