import { expect, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const image = fakeImage({ layers: [] });

test.each([
  ['absolute', {}],
  ['relative', { ENTREPOT_HTTP__RELATIVE_URLS: 'true' }],
])('where things are is said by %s URLs', async (kind, environment) => {
  await using app = await TestApp.start({ environment });
  const base = kind === 'relative' ? '' : app.url;
  await createProject(app, 'acme/shop');
  const pusher = new Pusher(app, 'acme/shop');
  const upload = await pusher.start();
  expect(upload).toMatch(new RegExp(`^${base}/v2/acme/shop/blobs/uploads/`));
  const patched = await pusher.patch(upload, Buffer.from('{}'));
  expect(patched.headers.get('location')).toMatch(new RegExp(`^${base}/v2/`));
  await pusher.image(image, '1');
  const pushed = await pusher.manifest(image, '2');
  expect(pushed.headers.get('location')).toBe(`${base}/v2/acme/shop/manifests/${image.digest}`);
  const probe = await fetch(`${app.url}/gitlab/v1/repositories/acme/shop`, { redirect: 'manual' });
  expect([probe.status, probe.headers.get('location')]).toEqual([
    301,
    `${base}/gitlab/v1/repositories/acme/shop/`,
  ]);
  // Who says who they are is found wherever the client is.
  const challenge = (await fetch(`${app.url}/v2/`)).headers.get('www-authenticate');
  expect(challenge).toContain(`realm="${app.url}/jwt/auth"`);
});
