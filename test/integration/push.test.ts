import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { ociManifest } from '../../src/oci/media-types.ts';
import { bytesOf, errorOf, jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { descriptorOf, fakeArtifact, fakeImage, fakeIndex, seededBlob } from '../support/fake-content.ts';
import { createProject, createUser, locationOf, Pusher, wholeOf } from '../support/pushing.ts';

const layer = seededBlob(300_000, 1);
const bytes = wholeOf(layer);
const { digest } = layer;

/** The ways clients have of pushing a blob; each gives the answer of the request that ends it. */
const ways: Readonly<Record<string, (pusher: Pusher) => Promise<Response>>> = {
  'one POST': (pusher) =>
    pusher.ask('POST', `blobs/uploads/?digest=${digest}`, { body: new Uint8Array(bytes) }),
  'one POST without a trailing slash': (pusher) =>
    pusher.ask('POST', `blobs/uploads?digest=${digest}`, { body: new Uint8Array(bytes) }),
  'POST and PUT': async (pusher) => pusher.put(await pusher.start(), digest, bytes),
  'one PATCH': async (pusher) => {
    const answer = await pusher.patch(await pusher.start(), bytes);
    return pusher.put(locationOf(answer), digest);
  },
  'one PATCH of unknown length': async (pusher) => {
    const body = new ReadableStream({
      start(controller) {
        for (const chunk of layer.read(0, layer.size)) controller.enqueue(chunk);
        controller.close();
      },
    });
    const init: RequestInit = { body, duplex: 'half' };
    return pusher.put(locationOf(await pusher.at(await pusher.start(), 'PATCH', init)), digest);
  },
  'chunks that say where they belong': async (pusher) => {
    let location = await pusher.start();
    for (let start = 0; start < 200_000; start += 100_000) {
      const answer = await pusher.patch(location, bytes.subarray(start, start + 100_000), start);
      expect(answer.headers.get('range')).toBe(`0-${start + 99_999}`);
      location = locationOf(answer);
    }
    return pusher.put(location, digest, bytes.subarray(200_000), 200_000);
  },
};

describeApp('a blob that is pushed', (start) => {
  test.each(Object.entries(ways))('in %s is pulled back byte for byte', async (_, push) => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop/web');
    const answer = await push(pusher);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('docker-content-digest')).toBe(digest);
    const pulled = await pusher.at(locationOf(answer), 'GET');
    expect(pulled.headers.get('content-length')).toBe(String(layer.size));
    expect(pulled.headers.get('cache-status')).toBe('entrepot');
    expect(await bytesOf(pulled)).toEqual(bytes);
    expect((await new Pusher(app, 'acme/shop').ask('GET', `blobs/${digest}`)).status).toBe(404);
  });

  test('under a sha512 digest has that one', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const long = digestOf(bytes, 'sha512');
    expect((await pusher.put(await pusher.start(), long, bytes)).status).toBe(201);
    const pulled = await pusher.ask('GET', `blobs/${long}`);
    expect(pulled.headers.get('docker-content-digest')).toBe(long);
    expect(await bytesOf(pulled)).toEqual(bytes);
  });

  test('by many at once is acknowledged to all, and stored once', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pushers = ['acme/shop', 'acme/shop/a', 'acme/shop/b'].map((name) => new Pusher(app, name));
    await Promise.all([...pushers, ...pushers].map((pusher) => pusher.blob(bytes)));
    expect(await app.filesUnder('')).toHaveLength(1);
  });

  test('under a wrong digest is refused, and leaves nothing', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const wrong = digestOf(Buffer.from('something else'));
    for (const answer of [
      await pusher.put(await pusher.start(), wrong, bytes),
      await pusher.ask('POST', `blobs/uploads/?digest=${wrong}`, { body: new Uint8Array(bytes) }),
    ]) {
      expect(answer.status).toBe(400);
      expect((await errorOf(answer)).code).toBe('DIGEST_INVALID');
    }
    expect((await pusher.ask('HEAD', `blobs/${wrong}`)).status).toBe(404);
    expect(await app.filesUnder('')).toEqual([]);
  });

  test('over the limit is refused with 413', async () => {
    await using app = await start({ environment: { ENTREPOT_HOSTED__MAX_UPLOAD_BYTES: '100KiB' } });
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const answer = await pusher.patch(await pusher.start(), bytes);
    expect(answer.status).toBe(413);
    expect((await errorOf(answer)).code).toBe('SIZE_INVALID');
  });
});

describeApp('an image that is pushed', (start) => {
  test('is pulled by tag and by digest, with all that belongs to it', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const images = [fakeImage({ layers: [layer] }), fakeImage({ format: 'docker', architecture: 'arm64' })];
    for (const image of images) await pusher.image(image);
    const index = fakeIndex({ manifests: images });
    const answer = await pusher.manifest(index, 'v1');
    expect(answer.status).toBe(201);
    expect(answer.headers.get('docker-content-digest')).toBe(index.digest);
    const located = await pusher.at(locationOf(answer), 'GET');
    expect(await bytesOf(located)).toEqual(index.payload);
    for (const { mediaType, payload, digest } of [...images, index]) {
      const pulled = await pusher.ask('GET', `manifests/${digest}`);
      expect(pulled.headers.get('content-type')).toBe(mediaType);
      expect(await bytesOf(pulled)).toEqual(payload);
    }
    const head = await pusher.ask('HEAD', 'manifests/v1');
    expect(head.headers.get('docker-content-digest')).toBe(index.digest);
    expect(head.headers.get('content-length')).toBe(String(index.payload.length));
  });

  test('with tags besides its digest has them all', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const image = fakeImage();
    await pusher.image(image);
    const answer = await pusher.manifest(image, `${image.digest}?tag=v1&tag=v1.2`);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('oci-tag')).toBe('v1, v1.2');
    expect(await (await pusher.ask('GET', 'tags/list')).json()).toEqual({
      name: 'acme/shop',
      tags: ['v1', 'v1.2'],
    });
  });

  test('as a referrer says its subject, which need not be there', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const artifact = fakeArtifact(fakeImage(), 'application/x');
    await pusher.blob('{}');
    const answer = await pusher.manifest(artifact, artifact.digest);
    expect(answer.headers.get('oci-subject')).toBe(artifact.subject);
  });

  test('without its blobs is refused with one entry for each', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const image = fakeImage({ layers: [layer, seededBlob(10, 2)] });
    const answer = await new Pusher(app, 'acme/shop').manifest(image, 'v1');
    expect(answer.status).toBe(400);
    const { errors } = await jsonOf<{ errors: { code: string; message: string }[] }>(answer);
    expect(errors.map(({ code }) => code)).toEqual(Array(3).fill('MANIFEST_BLOB_UNKNOWN'));
    expect(errors[1]?.message).toContain(digest);
  });

  test('may have 4 MiB, and not more', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const statuses = [0, 1].map(async (more) => {
      const around = '{"schemaVersion":2,"manifests":[],"padding":""}'.length;
      const padding = 'x'.repeat(4 * 1024 * 1024 - around + more);
      const payload = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [], padding }));
      const mediaType = 'application/vnd.oci.image.index.v1+json';
      return (await pusher.manifest({ mediaType, payload }, 'large')).status;
    });
    expect(await Promise.all(statuses)).toEqual([201, 413]);
  });

  test('again and again under one tag at once is always one of them', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const images = [1, 2, 3, 4].map((seed) => fakeImage({ layers: [seededBlob(10, seed)] }));
    for (const image of images) await pusher.image(image);
    const seen = new Set<string>();
    await pusher.manifest(images[0] ?? fakeImage(), 'latest');
    await Promise.all([
      ...[...images, ...images, ...images].map((image) => pusher.manifest(image, 'latest')),
      ...Array.from({ length: 12 }, async () => {
        const pulled = await pusher.ask('GET', 'manifests/latest');
        seen.add(pulled.headers.get('docker-content-digest') ?? 'none');
        expect(digestOf(await bytesOf(pulled))).toBe(pulled.headers.get('docker-content-digest'));
      }),
    ]);
    expect(images.map((image): string => image.digest)).toEqual(expect.arrayContaining([...seen]));
  });

  test('is told to the operator', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const image = fakeImage();
    await new Pusher(app, 'acme/shop').image(image, 'v1');
    const [event] = await jsonOf<object[]>(await app.api('GET', '/audit_events'));
    const attributes = { repository: 'acme/shop', tags: ['v1'], media_type: ociManifest };
    expect(event).toMatchObject({ details: { author_name: 'root', attributes } });
  });
});

describeApp('a push', (start) => {
  test('without a project, or the right to it, is denied in the same words', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const mallory = await createUser(app, 'mallory');
    const messages: string[] = [];
    for (const name of ['acme/shop', 'acme/none']) {
      const answer = await new Pusher(app, name, mallory).ask('POST', 'blobs/uploads/');
      expect(answer.status).toBe(403);
      const { code, message } = await errorOf(answer);
      expect(code).toBe('DENIED');
      messages.push(message.replaceAll(name, 'NAME'));
    }
    expect(messages[0]).toBe(messages[1]);
    expect(messages[0]).toContain('POST /api/v4/projects');
    expect((await new Pusher(app, 'acme/none').ask('POST', 'blobs/uploads/')).status).toBe(403);
  });

  test('by a Developer works', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const alice = await createUser(app, 'alice', ['acme']);
    await new Pusher(app, 'acme/shop', alice).image(fakeImage(), 'v1');
  });

  test('of a blob belongs to who started it, and to where', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const [alice, bob] = [await createUser(app, 'alice', ['acme']), await createUser(app, 'bob', ['acme'])];
    const location = await new Pusher(app, 'acme/shop', alice).start();
    const foreign = new Pusher(app, 'acme/shop', bob);
    const elsewhere = location.replace('acme/shop/', 'acme/shop/web/');
    for (const answer of [
      await foreign.at(location, 'GET'),
      await foreign.patch(location, bytes),
      await foreign.put(location, digest, bytes),
      await foreign.at(location, 'DELETE'),
      await new Pusher(app, 'acme/shop/web', alice).at(elsewhere, 'GET'),
    ]) {
      expect(answer.status).toBe(404);
      expect((await errorOf(answer)).code).toBe('BLOB_UPLOAD_UNKNOWN');
    }
  });
});

describeApp('what is referred to', (start) => {
  test.each([
    ['none', 400, 400],
    ['indexes', 400, 201],
    ['all', 201, 201],
  ])('may be missing where sparse manifests are allowed: %s', async (sparse, ofImage, ofIndex) => {
    await using app = await start({ environment: { ENTREPOT_HOSTED__SPARSE_MANIFESTS: sparse } });
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const image = fakeImage({ layers: [seededBlob(1, 7)] });
    expect((await pusher.manifest(image, 'image')).status).toBe(ofImage);
    expect((await pusher.manifest(fakeIndex({ manifests: [image] }), 'index')).status).toBe(ofIndex);
  });

  test('elsewhere is not enough: a digest is no right', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const image = fakeImage({ layers: [layer] });
    await new Pusher(app, 'acme/shop').image(image, 'v1');
    const other = new Pusher(app, 'acme/shop/other');
    expect((await other.manifest(image, 'v1')).status).toBe(400);
    expect((await other.manifest(fakeImage({ subject: descriptorOf(image) }), 'v1')).status).toBe(400);
  });
});
