import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { descriptorOf, fakeImage, fakeIndex, seededBlob } from '../support/fake-content.ts';
import { createProject, createUser, Pusher } from '../support/pushing.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1)] });
const here = { ENTREPOT_WEBHOOKS__ALLOWED_NETWORKS: '127.0.0.0/8' };
const blobType = 'application/octet-stream';

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever comes back
type Json = any;

/** The configuration names an endpoint. */
function telling({ url }: WebhookReceiver, more: object = {}): Record<string, string> {
  return { ...here, ENTREPOT_WEBHOOKS__ENDPOINTS: JSON.stringify([{ name: 'ci', url, ...more }]) };
}

async function createHook(app: TestApp, project: string, fields: object): Promise<number> {
  const answer = await app.api('POST', `/projects/${encodeURIComponent(project)}/hooks`, fields);
  expect(answer.status).toBe(201);
  return (await jsonOf<{ id: number }>(answer)).id;
}

async function eventsOf(app: TestApp, hooks: string, query = ''): Promise<Json[]> {
  return jsonOf<Json[]>(await app.api('GET', `${hooks}/events${query}`));
}

describeApp('webhooks', (start) => {
  test('tell of what was pushed, mounted, pulled and deleted, in this order, in the envelope of Docker', async () => {
    await using receiver = await WebhookReceiver.start();
    await using app = await start({ environment: telling(receiver), webhookSecret: 's3cret' });
    await createProject(app, 'acme/shop');
    const alice = await createUser(app, 'alice', ['acme']);
    const pusher = new Pusher(app, 'acme/shop', alice);
    await pusher.image(image, 'v1');
    await pusher.ask('GET', 'manifests/v1');
    await eventually(() => expect(receiver.events.at(-1)?.action).toBe('pull'));
    const copy = new Pusher(app, 'acme/shop/copy', alice);
    const layer = image.layers[0]?.digest;
    await copy.ask('POST', `blobs/uploads/?mount=${layer}&from=acme/shop`);
    await eventually(() => expect(receiver.events.at(-1)?.action).toBe('mount'));
    await pusher.ask('DELETE', 'manifests/v1');
    await eventually(() => expect(receiver.events.at(-1)?.action).toBe('delete'));

    const told = receiver.events.map(({ action, target }) => [action, target.repository, target.mediaType]);
    expect(told).toEqual([
      ['push', 'acme/shop', blobType],
      ['push', 'acme/shop', blobType],
      ['push', 'acme/shop', image.mediaType],
      ['pull', 'acme/shop', image.mediaType],
      ['mount', 'acme/shop/copy', blobType],
      ['delete', 'acme/shop', undefined],
    ]);
    expect(receiver.events[2]).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      action: 'push',
      target: {
        mediaType: image.mediaType,
        size: image.payload.length,
        length: image.payload.length,
        digest: image.digest,
        repository: 'acme/shop',
        url: `${app.url}/v2/acme/shop/manifests/${image.digest}`,
        tag: 'v1',
      },
      request: {
        id: expect.stringMatching(/./),
        addr: expect.stringContaining('127.0.0.1'),
        host: new URL(app.url).host,
        method: 'PUT',
        useragent: 'node',
      },
      actor: { name: 'alice', user_type: 'personal_access_token' },
      source: { addr: expect.stringMatching(/./), instanceID: expect.stringMatching(/./) },
    });
    expect(receiver.events[4]?.target).toMatchObject({
      fromRepository: 'acme/shop',
      digest: layer,
      size: 1000,
    });
    expect(receiver.events[5]?.target).toMatchObject({ tag: 'v1', digest: image.digest });
    for (const { headers, body } of receiver.received) {
      const signature = createHmac('sha256', 's3cret').update(body).digest('hex');
      expect(headers).toMatchObject({
        'content-type': 'application/vnd.docker.distribution.events.v1+json',
        'x-entrepot-signature': `sha256=${signature}`,
        'x-entrepot-event': JSON.parse(body).events[0].action,
        'x-entrepot-delivery': expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
    }
    expect(new Set(receiver.received.map(({ headers }) => headers['x-entrepot-delivery'])).size).toBe(6);
  });

  test('of a project are told of that project, and of nothing they ignore', async () => {
    await using receiver = await WebhookReceiver.start();
    await using app = await start({ environment: here });
    for (const project of ['acme/shop', 'acme/other']) await createProject(app, project);
    const id = await createHook(app, 'acme/shop', {
      url: receiver.url,
      token: 'shared',
      custom_headers: [{ key: 'Authorization', value: 'Bearer abc' }],
      ignored_actions: ['pull', 'delete'],
      ignored_media_types: [blobType],
    });
    await new Pusher(app, 'acme/other').image(image, 'v1');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'v1');
    await pusher.ask('GET', 'manifests/v1');
    await pusher.ask('DELETE', 'manifests/v1');
    await pusher.manifest(image, 'v2');
    await eventually(() => expect(receiver.events).toHaveLength(2));
    expect(receiver.events.map(({ target }) => target.tag)).toEqual(['v1', 'v2']);
    const [{ headers, body } = expect.fail()] = receiver.received;
    const signature = createHmac('sha256', 'shared').update(body).digest('hex');
    expect(headers).toMatchObject({
      authorization: 'Bearer abc',
      'x-entrepot-signature': `sha256=${signature}`,
    });
    const events = await eventsOf(app, `/projects/acme%2Fshop/hooks/${id}`);
    expect(events.map(({ status, response_status }) => [status, response_status])).toEqual([
      ['delivered', 200],
      ['delivered', 200],
    ]);
  });

  test('tell of what is deleted and restored through the API, whoever does it in the end', async () => {
    await using receiver = await WebhookReceiver.start();
    const quiet = { ignored_media_types: [blobType] };
    await using app = await start({ environment: telling(receiver, quiet) });
    const project = await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'v1');
    for (const tag of ['old-1', 'old-2']) await pusher.manifest(image, tag);
    await new Pusher(app, 'acme/shop/web').image(image, 'v1');
    const repositories = `/projects/${project}/registry/repositories`;
    const [shop, web] = await jsonOf<{ id: number }[]>(await app.api('GET', repositories));
    const told = (count: number) =>
      eventually(() => {
        const events = receiver.events.slice(4).map(({ action, target, actor }) => {
          return [action, target.repository, target.tag, actor.name];
        });
        expect(events).toHaveLength(count);
        return events;
      });
    await eventually(() => expect(receiver.events).toHaveLength(4));
    await app.api('DELETE', `${repositories}/${shop?.id}/tags/v1`);
    expect(await told(1)).toEqual([['delete', 'acme/shop', 'v1', 'root']]);
    expect(receiver.events.at(-1)).toMatchObject({
      target: { digest: image.digest },
      request: { method: 'DELETE', host: new URL(app.url).host },
      actor: { user_type: 'personal_access_token' },
    });
    const deleted = await app.api('GET', `${repositories}/${shop?.id}/deleted_tags`);
    const [{ id } = expect.fail('none was deleted')] = await jsonOf<{ id: number }[]>(deleted);
    await app.api('POST', `${repositories}/${shop?.id}/deleted_tags/${id}/restore`);
    expect((await told(2))[1]).toEqual(['push', 'acme/shop', 'v1', 'root']);
    expect(receiver.events.at(-1)?.target.mediaType).toBe(image.mediaType);
    await app.api('DELETE', `${repositories}/${shop?.id}/tags?name_regex_delete=old-.*`);
    const many = (await told(4)).slice(2).map(([action, , tag, name]) => [action, tag, name]);
    expect(many.toSorted()).toEqual([
      ['delete', 'old-1', 'root'],
      ['delete', 'old-2', 'root'],
    ]);
    await app.api('DELETE', `${repositories}/${web?.id}`);
    expect((await told(5))[4]).toEqual(['delete', 'acme/shop/web', undefined, '']);
    await app.api('DELETE', `/projects/${project}`);
    expect((await told(6))[5]).toEqual(['delete', 'acme/shop', undefined, 'root']);
  });

  test('tell of each repository that comes to another name, whatever it is that was renamed', async () => {
    await using receiver = await WebhookReceiver.start();
    const others = { ignored_actions: ['push'] };
    await using app = await start({ environment: telling(receiver, others) });
    const project = await createProject(app, 'acme/shop');
    await createProject(app, 'other/thing');
    for (const name of ['acme/shop', 'acme/shop/web']) await new Pusher(app, name).image(image, 'v1');
    await app.api('PUT', `/projects/${project}`, { path: 'store' });
    await app.api('PUT', `/projects/${project}/transfer`, { namespace: 'other' });
    const renames = () =>
      eventually(() => {
        const events = receiver.events.map(({ action, target }) => ({ action, ...target.rename }));
        expect(events).toHaveLength(4);
        return events.toSorted((one, other) => one.from.localeCompare(other.from));
      });
    expect(await renames()).toEqual([
      { action: 'rename', type: 'name', from: 'acme/shop', to: 'acme/store' },
      { action: 'rename', type: 'name', from: 'acme/shop/web', to: 'acme/store/web' },
      { action: 'rename', type: 'namespace', from: 'acme/store', to: 'other/store' },
      { action: 'rename', type: 'namespace', from: 'acme/store/web', to: 'other/store/web' },
    ]);
    const last = receiver.events.findLast(({ target }) => target.repository === 'other/store');
    expect(last).toMatchObject({ actor: { name: 'root' }, request: { method: 'PUT' } });
  });

  test('tell what a manifest refers to where that is asked for, and of each tag', async () => {
    await using receiver = await WebhookReceiver.start();
    const references = { ENTREPOT_WEBHOOKS__INCLUDE_REFERENCES: 'true' };
    await using app = await start({ environment: { ...telling(receiver), ...references } });
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image);
    const index = fakeIndex({ manifests: [image] });
    await pusher.ask('PUT', `manifests/${index.digest}?tag=a&tag=b`, {
      body: new Uint8Array(index.payload),
      headers: { 'content-type': index.mediaType },
    });
    await eventually(() => expect(receiver.events).toHaveLength(5));
    expect(receiver.events.slice(3).map(({ target }) => [target.tag, target.references])).toEqual([
      ['a', [descriptorOf(image)]],
      ['b', [descriptorOf(image)]],
    ]);
  });

  test('keep the order of each repository, whatever fails in between', async () => {
    await using receiver = await WebhookReceiver.start();
    receiver.behave = (_event, tries) => (tries === 1 && receiver.received.length % 3 !== 0 ? 500 : 200);
    const quick = { backoff_seconds: 0.05, ignored_media_types: [blobType] };
    await using app = await start({ environment: telling(receiver, quick) });
    await createProject(app, 'acme/shop');
    const names = ['acme/shop', 'acme/shop/a', 'acme/shop/b'];
    for (const name of names) await new Pusher(app, name).image(image, 't0');
    for (let at = 1; at < 6; at += 1)
      await Promise.all(names.map((name) => new Pusher(app, name).manifest(image, `t${at}`)));
    await eventually(() => expect(receiver.events).toHaveLength(18));
    expect(receiver.received.length).toBeGreaterThan(18);
    for (const name of names) {
      const told = receiver.events.filter(({ target }) => target.repository === name);
      expect(told.map(({ target }) => target.tag)).toEqual(['t0', 't1', 't2', 't3', 't4', 't5']);
    }
  });

  test('show what was given up, go on with the next, and send it again when someone asks', async () => {
    await using receiver = await WebhookReceiver.start();
    receiver.behave = ({ target }) => (target.tag === 'bad' ? 500 : 200);
    const impatient = { backoff_seconds: 0.05, max_retries: 2, ignored_media_types: [blobType] };
    await using app = await start({ environment: telling(receiver, impatient) });
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'bad');
    await pusher.manifest(image, 'good');
    await eventually(() => expect(receiver.events.map(({ target }) => target.tag)).toEqual(['good']));
    const [hook] = await jsonOf<{ id: number }[]>(await app.api('GET', '/hooks'));
    const path = `/hooks/${hook?.id}`;
    expect(await eventsOf(app, path)).toMatchObject([{ status: 'delivered' }, { status: 'dead' }]);
    const [dead] = await eventsOf(app, path, '?status=dead');
    expect(dead).toMatchObject({
      trigger: 'push',
      attempts: 3,
      response_status: 500,
      response_body: expect.stringContaining('took '),
      error: 'answered 500',
      request_data: { events: [{ target: { tag: 'bad' } }] },
    });
    const ids = receiver.received.slice(0, 3).map(({ headers }) => headers['x-entrepot-delivery']);
    expect(ids).toEqual([dead.delivery_id, dead.delivery_id, dead.delivery_id]);
    expect(await app.metrics()).toContain(
      'entrepot_webhook_deliveries_total{endpoint="ci",action="push",result="lost"} 1',
    );

    const again = await app.api('POST', `${path}/events/${dead.id}/resend`);
    expect([again.status, await again.json()]).toEqual([
      201,
      { response_status: 500, error: 'answered 500' },
    ]);
    expect(await eventsOf(app, path, '?status=dead')).toHaveLength(1);
    receiver.behave = () => 204;
    const taken = await app.api('POST', `${path}/events/${dead.id}/resend`);
    expect([taken.status, await taken.json()]).toEqual([201, { response_status: 204, error: null }]);
    expect(receiver.received.at(-1)?.headers['x-entrepot-delivery']).toBe(dead.delivery_id);
    expect(await eventsOf(app, path, '?status=dead')).toEqual([]);
  });

  test('that hang, answer without end or lead elsewhere hold up nobody else', async () => {
    await using slow = await WebhookReceiver.start();
    await using good = await WebhookReceiver.start();
    slow.behave = ({ target }) => (target.tag === 'v0' ? 'hang' : target.tag === 'v1' ? 'endless' : 302);
    const patience = { ENTREPOT_WEBHOOKS__TIMEOUT_SECONDS: '1', ENTREPOT_WEBHOOKS__MAX_RETRIES: '0' };
    const narrow = { ENTREPOT_WEBHOOKS__MAX_PARALLEL: '4' };
    await using app = await start({ environment: { ...here, ...patience, ...narrow } });
    await createProject(app, 'acme/shop');
    const quiet = { ignored_media_types: [blobType] };
    const id = await createHook(app, 'acme/shop', { url: slow.url, ...quiet });
    await createHook(app, 'acme/shop', { url: good.url, ...quiet });
    const names = Array.from({ length: 6 }, (_, at) => `acme/shop/r${at}`);
    for (const name of names) await new Pusher(app, name).image(image, 'v0');
    await eventually(() => expect(good.events).toHaveLength(6), 3000);
    expect(slow.acknowledged).toEqual([]);
    const pusher = new Pusher(app, 'acme/shop/r0');
    for (const tag of ['v1', 'v2']) await pusher.manifest(image, tag);
    const hooks = `/projects/acme%2Fshop/hooks/${id}`;
    await eventually(async () => expect(await eventsOf(app, hooks, '?status=pending')).toEqual([]));
    const events = await eventsOf(app, hooks);
    const byTag = (tag: string) =>
      events.find(({ request_data }) => request_data.events[0].target.tag === tag);
    expect(byTag('v0')).toMatchObject({
      status: 'dead',
      error: expect.stringMatching(/^did not answer within .* s \(timeout_seconds\)$/),
    });
    expect(byTag('v1')).toMatchObject({ status: 'delivered', response_body: 'x'.repeat(1024) });
    expect(byTag('v2')).toMatchObject({
      status: 'dead',
      response_status: 302,
      error: 'answered 302: redirects are not followed',
    });
    expect(slow.received.filter(({ body }) => body.includes('"v2"'))).toHaveLength(1);
  });

  test('in private networks are refused, when they are named and when they are told', async () => {
    await using receiver = await WebhookReceiver.start();
    const impatient = { max_retries: 0, ignored_media_types: [blobType] };
    const environment = { ...telling(receiver, impatient), ENTREPOT_WEBHOOKS__ALLOWED_NETWORKS: '' };
    await using app = await start({ environment });
    await createProject(app, 'acme/shop');
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '10.1.2.3', '169.254.169.254']) {
      const answer = await app.api('POST', '/projects/acme%2Fshop/hooks', { url: `http://${host}/` });
      expect([host, answer.status]).toEqual([host, 400]);
      expect(await answer.json()).toEqual({ message: { url: [expect.stringContaining('is blocked')] } });
    }
    await new Pusher(app, 'acme/shop').image(image, 'v1');
    const [hook] = await jsonOf<{ id: number }[]>(await app.api('GET', '/hooks'));
    await eventually(async () =>
      expect(await eventsOf(app, `/hooks/${hook?.id}`)).toMatchObject([
        { status: 'dead', error: expect.stringContaining('webhooks.allowed_networks') },
      ]),
    );
    expect(receiver.received).toEqual([]);
  });

  test('of three processes tell each event once', async () => {
    await using receiver = await WebhookReceiver.start();
    await using app = await start({ environment: telling(receiver), areWorkers: true });
    await createProject(app, 'acme/shop');
    const others = [await app.startAnother(), await app.startAnother()];
    const apps = [app, ...others];
    try {
      const names = Array.from({ length: 8 }, (_, at) => `acme/shop/r${at}`);
      await Promise.all(
        names.map(async (name, at) => {
          const pusher = new Pusher(apps[at % 3] ?? app, name);
          await pusher.image(image, 'v1');
          await pusher.manifest(image, 'v2');
        }),
      );
      await eventually(() => expect(receiver.events).toHaveLength(32));
      for (const name of names) {
        const told = receiver.events.filter(({ target }) => target.repository === name);
        expect(told.map(({ target }) => target.tag)).toEqual([undefined, undefined, 'v1', 'v2']);
      }
    } finally {
      for (const other of others) await other.stop();
    }
  });

  test('that are down while the server is killed are told everything afterwards, and nothing twice', async () => {
    await using receiver = await WebhookReceiver.start();
    await using app = await start({
      environment: telling(receiver, { backoff_seconds: 0.2, timeout_seconds: 1 }),
    });
    await createProject(app, 'acme/shop');
    await app.stop();
    const first = await app.startChild();
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'v1');
    await eventually(() => expect(receiver.events).toHaveLength(3));
    await receiver.stop();
    await pusher.manifest(image, 'v2');
    await new Pusher(app, 'acme/shop/other').image(image, 'v3');
    await pusher.ask('DELETE', 'manifests/v1');
    await first.kill();
    const second = await app.startChild();
    try {
      await pusher.manifest(image, 'v4');
      await receiver.resume();
      await eventually(() => expect(receiver.events).toHaveLength(9));
      const told = (name: string) =>
        receiver.events
          .filter(({ target }) => target.repository === name)
          .map(({ action, target }) => [action, target.tag]);
      expect(told('acme/shop')).toEqual([
        ['push', undefined],
        ['push', undefined],
        ['push', 'v1'],
        ['push', 'v2'],
        ['delete', 'v1'],
        ['push', 'v4'],
      ]);
      expect(told('acme/shop/other')).toEqual([
        ['push', undefined],
        ['push', undefined],
        ['push', 'v3'],
      ]);
      const ids = receiver.acknowledged.map(({ headers }) => headers['x-entrepot-delivery']);
      expect(new Set(ids).size).toBe(9);
    } finally {
      await second.kill();
    }
  });

  test('never show what they are signed with, nor what they are sent', async () => {
    const lines: string[] = [];
    const note = (fields: object, message: string) => {
      lines.push(JSON.stringify(fields), message);
    };
    const log = { debug: note, info: note, warn: note, error: note, child: () => log };
    await using receiver = await WebhookReceiver.start();
    receiver.behave = () => 500;
    const impatient = { max_retries: 0, headers: ['X-Key: configured-key'] };
    await using app = await start({
      environment: telling(receiver, impatient),
      webhookSecret: 'one-secret',
      log,
    });
    await createProject(app, 'acme/shop');
    const hook = {
      url: `${receiver.url}?key=query-secret`,
      token: 'other-secret',
      custom_headers: [{ key: 'Authorization', value: 'Bearer hidden' }],
      max_retries: 0,
    };
    const id = await createHook(app, 'acme/shop', hook);
    await new Pusher(app, 'acme/shop').image(image, 'v1');
    await eventually(() => expect(receiver.received).toHaveLength(6));
    expect(receiver.received.some(({ headers }) => headers['x-key'] === 'configured-key')).toBe(true);
    const paths = ['/hooks', `/projects/acme%2Fshop/hooks/${id}`, '/projects/acme%2Fshop/hooks'];
    const shown = [...paths, `/projects/acme%2Fshop/hooks/${id}/events`, '/audit_events?per_page=100'];
    for (const path of shown) lines.push(await (await app.api('GET', path)).text());
    expect(lines.join('\n')).toContain('webhook.create');
    expect(lines.join('\n')).toContain('an event was given up');
    for (const secret of ['one-secret', 'other-secret', 'configured-key', 'Bearer hidden'])
      expect(lines.filter((line) => line.includes(secret))).toEqual([]);
    const audit = await (await app.api('GET', '/audit_events?per_page=100')).text();
    expect(audit).not.toContain('query-secret');
  });
});
