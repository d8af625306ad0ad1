import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { bytesOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, createUser, locationOf, Pusher } from '../support/pushing.ts';

const hello = Buffer.from('hello, world');
const digest = digestOf(hello);

function mount(pusher: Pusher, from: string): Promise<Response> {
  const parameters = new URLSearchParams({ mount: digest, from });
  return pusher.ask('POST', `blobs/uploads/?${parameters}`);
}

/** The answer is an upload, as if nobody had asked for more, and the upload works. */
async function expectUpload(pusher: Pusher, answer: Response): Promise<void> {
  expect(answer.status).toBe(202);
  expect(await answer.text()).toBe('');
  expect((await pusher.ask('HEAD', `blobs/${digest}`)).status).toBe(404);
  expect((await pusher.put(locationOf(answer), digest, hello)).status).toBe(201);
}

describeApp('a mount', (start) => {
  test('of a blob that the user may pull saves the upload', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await createProject(app, 'tools/base', { visibility: 'internal' });
    await new Pusher(app, 'tools/base').blob(hello);
    const pusher = new Pusher(app, 'acme/shop', await createUser(app, 'alice', ['acme']));
    const answer = await mount(pusher, 'tools/base');
    expect(answer.status).toBe(201);
    expect(answer.headers.get('docker-content-digest')).toBe(digest);
    expect(await bytesOf(await pusher.at(locationOf(answer), 'GET'))).toEqual(hello);
    expect(await app.filesUnder('')).toHaveLength(1);
  });

  test('of a blob that the user may not pull is an upload, as that of one that does not exist', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await createProject(app, 'secret/base');
    await new Pusher(app, 'secret/base').blob(hello);
    const alice = await createUser(app, 'alice', ['acme']);
    for (const [index, from] of ['secret/base', 'secret/none', 'acme/shop', 'not a name'].entries()) {
      const pusher = new Pusher(app, `acme/shop/${index}`, alice);
      await expectUpload(pusher, await mount(pusher, from));
    }
  });

  test('from nowhere in particular is an upload', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop').blob(hello);
    const pusher = new Pusher(app, 'acme/shop/web');
    await expectUpload(pusher, await pusher.ask('POST', `blobs/uploads/?mount=${digest}`));
  });

  test('from a virtual registry saves the upload of what it has cached, and only of that', async () => {
    await using upstream = await new FakeRegistry().start();
    const cached = upstream.repository('library/base').addBlob(1000, 1);
    const other = upstream.repository('library/base').addBlob(1000, 2);
    await using app = await start({ upstreams: [upstream] });
    await createProject(app, 'acme/shop');
    const from = 'virtual_registries/container/1/library/base';
    const bytes = await bytesOf(await app.blob('library/base', cached.digest));
    await eventually(async () => {
      const head = await app.blob('library/base', cached.digest, { method: 'HEAD' });
      expect(head.headers.get('cache-status')).toBe('entrepot; hit');
    });
    const pusher = new Pusher(app, 'acme/shop');
    const answer = await pusher.ask('POST', `blobs/uploads/?mount=${cached.digest}&from=${from}`);
    expect(answer.status).toBe(201);
    expect(await bytesOf(await pusher.ask('GET', `blobs/${cached.digest}`))).toEqual(bytes);
    const refused = await pusher.ask('POST', `blobs/uploads/?mount=${other.digest}&from=${from}`);
    expect(refused.status).toBe(202);
  });
});
