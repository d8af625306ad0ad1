import { expect, test } from 'vitest';
import { errorOf, jsonOf, tagsOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage, fakeIndex, seededBlob } from '../support/fake-content.ts';
import { createProject, createUser, Pusher } from '../support/pushing.ts';

const layer = seededBlob(1000, 1);
const image = fakeImage({ layers: [layer] });
const index = fakeIndex({ manifests: [image] });

describeApp('deleting', (start) => {
  test('a tag leaves the manifest and its other tags', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'v1');
    await pusher.manifest(image, 'v2');
    expect((await pusher.ask('DELETE', 'manifests/v1')).status).toBe(202);
    expect((await pusher.ask('HEAD', 'manifests/v1')).status).toBe(404);
    expect(await tagsOf(await pusher.ask('GET', 'tags/list'))).toEqual(['v2']);
    expect((await pusher.ask('HEAD', `manifests/${image.digest}`)).status).toBe(200);
    expect((await pusher.ask('DELETE', 'manifests/v1')).status).toBe(404);
  });

  test('a manifest takes its tags with it, and what it refers to can be deleted then', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'v1');
    expect((await pusher.ask('DELETE', `manifests/${image.digest}`)).status).toBe(202);
    for (const reference of ['v1', image.digest])
      expect((await pusher.ask('HEAD', `manifests/${reference}`)).status).toBe(404);
    expect(await tagsOf(await pusher.ask('GET', 'tags/list'))).toEqual([]);
    expect((await pusher.ask('GET', `referrers/${image.digest}`)).status).toBe(200);
    expect((await pusher.ask('DELETE', `blobs/${layer.digest}`)).status).toBe(202);
    expect((await pusher.ask('HEAD', `blobs/${layer.digest}`)).status).toBe(404);
    expect((await pusher.ask('DELETE', `blobs/${layer.digest}`)).status).toBe(404);
    await pusher.image(image, 'v1');
    expect((await pusher.ask('HEAD', `blobs/${layer.digest}`)).status).toBe(200);
  });

  test('what is referred to is refused where that is protected', async () => {
    const environment = { ENTREPOT_STORAGE__PROTECT_REFERENCED_MANIFESTS: 'true' };
    await using app = await start({ environment });
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image);
    await pusher.manifest(index, 'v1');
    const ofManifest = await pusher.ask('DELETE', `manifests/${image.digest}`);
    expect(ofManifest.status).toBe(409);
    expect((await errorOf(ofManifest)).code).toBe('MANIFEST_REFERENCED');
    const ofBlob = await pusher.ask('DELETE', `blobs/${layer.digest}`);
    expect(ofBlob.status).toBe(409);
    expect((await errorOf(ofBlob)).message).toContain('delete the manifest first');
  });

  test('is refused with 405 where it is turned off', async () => {
    await using app = await start({ environment: { ENTREPOT_STORAGE__DELETE_ENABLED: 'false' } });
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'v1');
    for (const path of ['manifests/v1', `manifests/${image.digest}`, `blobs/${layer.digest}`]) {
      const answer = await pusher.ask('DELETE', path);
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toContain('GET');
      expect((await errorOf(answer)).code).toBe('UNSUPPORTED');
    }
    expect((await pusher.ask('HEAD', 'manifests/v1')).status).toBe(200);
  });

  test('is for those who may push', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop', { visibility: 'internal' });
    await new Pusher(app, 'acme/shop').image(image, 'v1');
    const guest = new Pusher(app, 'acme/shop', await createUser(app, 'guest'));
    expect((await guest.ask('HEAD', 'manifests/v1')).status).toBe(200);
    for (const path of ['manifests/v1', `manifests/${image.digest}`, `blobs/${layer.digest}`])
      expect((await guest.ask('DELETE', path)).status).toBe(403);
    const alice = new Pusher(app, 'acme/shop', await createUser(app, 'alice', ['acme']));
    expect((await alice.ask('DELETE', `manifests/${image.digest}`)).status).toBe(202);
  });

  test('is told to the operator', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'v1');
    await pusher.ask('DELETE', 'manifests/v1');
    await pusher.ask('DELETE', `manifests/${image.digest}`);
    await pusher.ask('DELETE', `blobs/${layer.digest}`);
    const events = await jsonOf<{ entity_type: string; details: { target_details: string } }[]>(
      await app.api('GET', '/audit_events?per_page=3'),
    );
    expect(events.map(({ entity_type, details }) => [entity_type, details.target_details])).toEqual([
      ['blob', `acme/shop@${layer.digest}`],
      ['manifest', `acme/shop@${image.digest}`],
      ['tag', 'acme/shop:v1'],
    ]);
  });
});
