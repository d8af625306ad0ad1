/** Images of a registry that trusts our tokens, listed, looked at and deleted by our API. */
import { createServer, type IncomingMessage } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { ociManifest } from '../../src/oci/media-types.ts';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { startExternalRegistry, trustedBy } from '../support/external-registry.ts';
import { fakeImage, fakeIndex, seededBlob } from '../support/fake-content.ts';
import { createProject, createUserWithRoles, Pusher, type TestUser } from '../support/pushing.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1)] });
const index = fakeIndex({ manifests: [image, fakeImage({ architecture: 'arm64' })] });
const images = '/projects/acme%2Fshop/registry/external_repositories';
const tags = `${images}/acme%2Fshop%2Fweb/tags`;

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever comes back
type Json = any;

async function asked(app: TestApp, method: string, path: string, user?: TestUser): Promise<[number, Json]> {
  const answer = await app.api(method, path, undefined, user && { 'private-token': user.token });
  return [answer.status, await jsonOf<Json>(answer)];
}

/** Answers as Docker's registry 2 does: it deletes manifests, and no tags. @param named what each tag names */
async function startOldRegistry(named: Map<string, string>) {
  const deleted: string[] = [];
  const answerTo = ({ method, url = '' }: IncomingMessage): [number, string, Record<string, string>?] => {
    if (url.includes('/tags/list')) return [200, JSON.stringify({ tags: [...named.keys()] })];
    const reference = url.replace(/^.*\/manifests\//, '');
    const digest = named.get(reference);
    if (method === 'HEAD' && digest !== undefined)
      return [200, '', { 'docker-content-digest': digest, 'content-type': ociManifest }];
    if (method !== 'DELETE') return [404, '{}'];
    if (!reference.startsWith('sha256:')) return [400, '{"errors":[{"code":"DIGEST_INVALID"}]}'];
    deleted.push(reference);
    return [202, ''];
  };
  const server = createServer((request, response) => {
    const [status, body, headers = {}] = answerTo(request);
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
  return { url: `http://127.0.0.1:${address.port}`, deleted };
}

describeApp('an external registry', (start) => {
  /** It has acme/shop/web:1.0, 1.1 and multi, and an image of another project; ours has the projects alone. */
  async function prepare() {
    const external = await startExternalRegistry();
    onTestFinished(() => external.close());
    const app = await start({ environment: trustedBy(external.url) });
    onTestFinished(() => app.close());
    for (const each of [app, external])
      for (const project of ['acme/shop', 'acme/shopping']) await createProject(each, project);
    const pusher = new Pusher(external, 'acme/shop/web');
    for (const tag of ['1.0', '1.1']) await pusher.image(image, tag);
    await pusher.image(fakeImage({ architecture: 'arm64' }));
    await pusher.image(index, 'multi');
    await new Pusher(external, 'acme/shopping').image(image, '1.0');
    return { app, external, pusher };
  }

  test('has its images listed by the projects that they are in here, and what a tag is told', async () => {
    const { app } = await prepare();
    expect(await asked(app, 'GET', images)).toEqual([
      200,
      [{ path: 'acme/shop/web', location: 'registry.example.com/acme/shop/web' }],
    ]);
    const [status, listed] = await asked(app, 'GET', `${tags}?per_page=2&search=1`);
    expect([status, listed.map((tag: Json) => tag.name)]).toEqual([200, ['1.0', '1.1']]);
    expect(listed[0].location).toBe('registry.example.com/acme/shop/web:1.0');
    const second = await app.api('GET', `${tags}?per_page=2&page=2`);
    expect([second.headers.get('x-total'), await jsonOf<Json>(second)]).toMatchObject([
      '3',
      [{ name: 'multi' }],
    ]);
    const revision = image.config?.digest.slice('sha256:'.length);
    expect(await asked(app, 'GET', `${tags}/1.0`)).toEqual([
      200,
      {
        name: '1.0',
        path: 'acme/shop/web:1.0',
        location: 'registry.example.com/acme/shop/web:1.0',
        digest: image.digest,
        media_type: image.mediaType,
        total_size: 1000 + (image.config?.size ?? 0),
        revision,
        short_revision: revision?.slice(0, 9),
        created_at: null,
        platforms: ['linux/amd64'],
      },
    ]);
    expect((await asked(app, 'GET', `${tags}/multi`))[1]).toMatchObject({
      digest: index.digest,
      total_size: null,
      revision: null,
      platforms: ['linux/amd64', 'linux/arm64'],
    });
  });

  test('loses a tag alone, on record here', async () => {
    const { app, pusher } = await prepare();
    expect(await asked(app, 'DELETE', `${tags}/1.0`)).toEqual([200, 200]);
    expect((await pusher.ask('HEAD', 'manifests/1.0')).status).toBe(404);
    expect((await pusher.ask('HEAD', 'manifests/1.1')).status).toBe(200);
    expect(await asked(app, 'DELETE', `${tags}/1.0`)).toEqual([404, { message: '404 Tag Not Found' }]);
    const [, events] = await asked(
      app,
      'GET',
      '/projects/acme%2Fshop/audit_events?event_name=external_tag.delete',
    );
    expect(events).toMatchObject([{ details: { author_name: 'root', target_details: 'acme/shop/web:1.0' } }]);
  });

  test('is seen and changed by the rights that people have here, and rules protect its tags', async () => {
    const { app, pusher } = await prepare();
    const reporter = await createUserWithRoles(app, 'reporter', { 'acme/shop': 20 });
    const developer = await createUserWithRoles(app, 'developer', { 'acme/shop': 30 });
    const stranger = await createUserWithRoles(app, 'stranger', { 'acme/shopping': 50 });
    const hidden = [404, { message: '404 Project Not Found' }];
    for (const path of [images, tags, `${tags}/1.0`]) {
      expect((await asked(app, 'GET', path, reporter))[0]).toBe(200);
      expect(await asked(app, 'GET', path, stranger)).toEqual(hidden);
    }
    expect(await asked(app, 'DELETE', `${tags}/1.0`, reporter)).toEqual([403, { message: '403 Forbidden' }]);
    expect(await asked(app, 'DELETE', `${tags}/1.0`, stranger)).toEqual(hidden);
    const foreign = `/projects/acme%2Fshopping/registry/external_repositories/acme%2Fshop%2Fweb/tags`;
    expect((await asked(app, 'GET', foreign, stranger))[0]).toBe(404);
    expect((await asked(app, 'DELETE', `${foreign}/1.0`, stranger))[0]).toBe(404);
    await app.api('POST', '/projects/acme%2Fshop/registry/protection/tag/rules', {
      tag_name_pattern: '^1',
      minimum_access_level_for_push: 'maintainer',
      minimum_access_level_for_delete: 'maintainer',
    });
    expect(await asked(app, 'DELETE', `${tags}/1.0`, developer)).toEqual([
      403,
      { message: '403 Forbidden - cannot delete protected tag(s)' },
    ]);
    expect((await pusher.ask('HEAD', 'manifests/1.0')).status).toBe(200);
    expect(await asked(app, 'DELETE', `${tags}/multi`, developer)).toEqual([200, 200]);
  });

  test('that deletes no tags loses a manifest that no other tag names, and says which one does', async () => {
    const [first, second] = [digestOf(Buffer.from('first')), digestOf(Buffer.from('second'))];
    const old = await startOldRegistry(
      new Map([
        ['1.0', first],
        ['1.1', first],
        ['2.0', second],
      ]),
    );
    await using app = await start({ environment: trustedBy(old.url) });
    await createProject(app, 'acme/shop');
    expect(await asked(app, 'DELETE', `${tags}/1.0`)).toEqual([
      409,
      {
        message:
          '409 Conflict - the registry deletes no tags, only manifests, and 1.1 names the same: delete both there by its digest',
      },
    ]);
    expect(old.deleted).toEqual([]);
    expect(await asked(app, 'DELETE', `${tags}/2.0`)).toEqual([200, 200]);
    expect(old.deleted).toEqual([second]);
  });

  test('that cannot be reached, or trusts other keys, is told so; and where there is none, there is nothing', async () => {
    await using gone = await start({ environment: trustedBy('http://127.0.0.1:1') });
    await createProject(gone, 'acme/shop');
    const [status, { message }] = await asked(gone, 'GET', images);
    expect([status, message]).toEqual([
      503,
      expect.stringMatching(/^503 Service Unavailable - the external registry /),
    ]);
    await using external = await startExternalRegistry();
    const {
      ENTREPOT_AUTH__KEY: _key,
      ENTREPOT_AUTH__CERTIFICATE: _certificate,
      ...environment
    } = trustedBy(external.url);
    await using unknown = await start({ environment });
    await createProject(unknown, 'acme/shop');
    expect(await asked(unknown, 'GET', tags)).toEqual([
      503,
      { message: expect.stringContaining('the external registry refused the credentials (401)') },
    ]);
    await using none = await start();
    await createProject(none, 'acme/shop');
    for (const path of [images, tags, `${tags}/1.0`])
      expect(await asked(none, 'GET', path)).toEqual([404, { message: '404 External Registry Not Found' }]);
  });
});
