import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { fakeArtifact, fakeImage, fakeIndex, seededBlob } from '../support/fake-content.ts';
import { PushableRegistry } from '../support/pushable-registry.ts';
import { createProject, createUserWithRoles, Pusher } from '../support/pushing.ts';
import { runTask } from '../support/run-task.ts';

const kib = 1024;

interface Run {
  readonly id: number;
  readonly waiting: number;
  readonly copied: number;
  readonly unchanged: number;
  readonly deleted: number;
  readonly skipped: number;
  readonly failed: number;
  readonly bytes: number;
  readonly reason: string | null;
  readonly ended_at: string | null;
}

const rules = (project: string) => `/projects/${encodeURIComponent(project)}/registry/replication/rules`;

function toApp(other: TestApp, fields: object = {}): object {
  return { ...to(other, fields), username: 'root', password: other.token };
}

function to({ url }: { readonly url: string }, fields: object = {}): object {
  return {
    name: 'copies',
    direction: 'push',
    trigger: 'manual',
    url,
    allow_private_network: true,
    ...fields,
  };
}

async function makeRule(app: TestApp, project: string, fields: object): Promise<string> {
  const answer = await app.api('POST', rules(project), fields);
  expect(answer.status).toBe(201);
  return `${rules(project)}/${(await jsonOf<{ id: number }>(answer)).id}`;
}

async function ended(app: TestApp, rule: string): Promise<Run> {
  return eventually(async () => {
    const [run] = await jsonOf<Run[]>(await app.api('GET', `${rule}/runs`));
    if (!run || run.ended_at === null) throw new Error(`it goes on: ${JSON.stringify(run)}`);
    return run;
  });
}

async function runNow(app: TestApp, rule: string): Promise<Run> {
  expect((await app.api('POST', `${rule}/run`)).status).toBe(202);
  await runTask(app, 'replication');
  return ended(app, rule);
}

async function digestAt(app: TestApp, repository: string, reference: string): Promise<string | null> {
  const answer = await app.v2(`${repository}/manifests/${reference}`, { method: 'HEAD' });
  return answer.status === 200 ? answer.headers.get('docker-content-digest') : null;
}

describeApp('tags that are replicated', (start) => {
  test('come to the other server with all platforms and signatures, under the name that the rule says, and once', async () => {
    await using app = await start();
    await using other = await start();
    for (const server of [app, other]) await createProject(server, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop/web');
    const images = [1, 2].map((seed) => fakeImage({ layers: [seededBlob(20 * kib, seed)] }));
    const index = fakeIndex({ manifests: images });
    for (const image of images) await pusher.image(image);
    for (const tag of ['v1', 'dev']) expect((await pusher.manifest(index, tag)).status).toBe(201);
    const signature = fakeArtifact(index, 'application/vnd.example.signature');
    await pusher.image(signature);
    const rule = await makeRule(
      app,
      'acme/shop',
      toApp(other, { tag_regex: 'v.*', target: 'acme/shop/copies/{repository}' }),
    );
    expect(await runNow(app, rule)).toMatchObject({ copied: 1, unchanged: 0, failed: 0, waiting: 0 });
    expect(await digestAt(other, 'acme/shop/copies/web', 'v1')).toBe(index.digest);
    expect(await digestAt(other, 'acme/shop/copies/web', 'dev')).toBeNull();
    for (const image of images)
      expect(await digestAt(other, 'acme/shop/copies/web', image.digest)).toBe(image.digest);
    const listed = await jsonOf<{ manifests: { digest: string }[] }>(
      await other.v2(`acme/shop/copies/web/referrers/${index.digest}`),
    );
    expect(listed.manifests.map(({ digest }) => digest)).toEqual([signature.digest]);
    expect(await runNow(app, rule)).toMatchObject({ copied: 0, unchanged: 1, bytes: 0 });
    expect(await app.metrics()).toMatch(
      /entrepot_replicated_tags_total\{direction="push",result="copied"\} 1\b/,
    );
  });

  test('are fetched by the rights of whoever made the rule, as long as they have them', async () => {
    await using app = await start();
    await using other = await start();
    for (const server of [app, other]) await createProject(server, 'acme/shop');
    const image = fakeImage({ layers: [seededBlob(20 * kib, 3)] });
    await new Pusher(other, 'acme/shop/web').image(image, 'v1');
    const rule = await makeRule(
      app,
      'acme/shop',
      toApp(other, { direction: 'pull', repository_regex: 'acme/shop/.*', target: 'from/{name}' }),
    );
    expect(await runNow(app, rule)).toMatchObject({ copied: 1, failed: 0 });
    expect(await digestAt(app, 'acme/shop/from/web', 'v1')).toBe(image.digest);

    const { username, token } = await createUserWithRoles(app, 'dana', { 'acme/shop': 40 });
    const changed = await fetch(`${app.url}/api/v4${rule}`, {
      method: 'PUT',
      headers: { 'private-token': token, 'content-type': 'application/json' },
      body: JSON.stringify({ target: 'again/{name}' }),
    });
    expect(changed.status).toBe(200);
    const [user] = await jsonOf<{ id: number }[]>(await app.api('GET', `/users?username=${username}`));
    await app.api('PUT', `/projects/acme%2Fshop/members/${user?.id}`, { access_level: 30 });
    expect(await runNow(app, rule)).toMatchObject({ copied: 0, failed: 1 });
    expect(await digestAt(app, 'acme/shop/again/web', 'v1')).toBeNull();
    const [run] = await jsonOf<Run[]>(await app.api('GET', `${rule}/runs`));
    const [failed] = await jsonOf<{ reason: string }[]>(
      await app.api('GET', `${rule}/runs/${run?.id}/tags?status=failed`),
    );
    expect(failed?.reason).toMatch(/acts for dana, who may not do that/);
  });

  test('follow events, the last state of a tag, and deletions where the rule says so', async () => {
    await using app = await start();
    await using other = await start();
    for (const server of [app, other]) await createProject(server, 'acme/shop');
    const rule = await makeRule(app, 'acme/shop', toApp(other, { trigger: 'event', deletions: true }));
    const pusher = new Pusher(app, 'acme/shop');
    const [first, last] = [
      fakeImage({ layers: [seededBlob(kib, 4)] }),
      fakeImage({ layers: [seededBlob(kib, 5)] }),
    ];
    for (const image of [first, last]) await pusher.image(image, 'v1');
    await runTask(app, 'replication', 5000);
    await ended(app, rule);
    expect(await digestAt(other, 'acme/shop', 'v1')).toBe(last.digest);
    expect((await pusher.ask('DELETE', 'manifests/v1')).status).toBe(202);
    await runTask(app, 'replication', 5000);
    expect(await ended(app, rule)).toMatchObject({ deleted: 1 });
    expect(await digestAt(other, 'acme/shop', 'v1')).toBeNull();
  });

  test('get signatures that are pushed later, of whatever kind', async () => {
    await using app = await start();
    await using other = await start();
    for (const server of [app, other]) await createProject(server, 'acme/shop');
    const fields = { trigger: 'event', tag_regex: 'v.*' };
    const rule = await makeRule(app, 'acme/shop', toApp(other, fields));
    const pusher = new Pusher(app, 'acme/shop');
    const image = fakeImage({ layers: [seededBlob(kib, 30)] });
    await pusher.image(image, 'v1');
    await runTask(app, 'replication', 5000);
    await ended(app, rule);
    const attached = fakeArtifact(image, 'application/vnd.example.signature');
    await pusher.image(attached);
    await runTask(app, 'replication', 5000);
    expect(await ended(app, rule)).toMatchObject({ copied: 1 });
    expect(await digestAt(other, 'acme/shop', attached.digest)).toBe(attached.digest);
    const tagged = fakeImage({ layers: [seededBlob(kib, 31)] });
    const name = `${image.digest.replace(':', '-')}.sig`;
    await pusher.image(tagged, name);
    await runTask(app, 'replication', 5000);
    expect(await ended(app, rule)).toMatchObject({ copied: 1 });
    expect(await digestAt(other, 'acme/shop', name)).toBe(tagged.digest);
  });

  test('are looked at by a schedule, until whoever made the rule is gone', async () => {
    await using app = await start();
    await using registry = await new PushableRegistry().start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(fakeImage({ layers: [seededBlob(kib, 40)] }), 'v1');
    const schedule = { trigger: 'schedule', every_hours: 2, target: 'mirror' };
    const rule = await makeRule(app, 'acme/shop', to(registry, schedule));
    expect(await ended(app, rule)).toMatchObject({ copied: 1 });
    await pusher.image(fakeImage({ layers: [seededBlob(kib, 41)] }), 'v2');
    await runTask(app, 'replication', 3_600_000);
    expect(registry.manifests.has('mirror:v2')).toBe(false);
    await runTask(app, 'replication', 3_700_000);
    expect(await ended(app, rule)).toMatchObject({ copied: 1, unchanged: 1 });

    const { token } = await createUserWithRoles(app, 'dana', { 'acme/shop': 40 });
    const changed = await fetch(`${app.url}/api/v4${rule}`, {
      method: 'PUT',
      headers: { 'private-token': token, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'of dana' }),
    });
    const { creator_id: creator } = await jsonOf<{ creator_id: number }>(changed);
    expect((await app.api('DELETE', `/users/${creator}`)).status).toBe(204);
    expect(await jsonOf(await app.api('GET', rule))).toMatchObject({ creator_id: null });
    expect(await runNow(app, rule)).toMatchObject({ failed: 2 });
  });

  test('come to rest where two servers replicate to each other', async () => {
    await using app = await start();
    await using other = await start();
    for (const server of [app, other]) await createProject(server, 'acme/shop');
    const made = [
      await makeRule(app, 'acme/shop', toApp(other, { trigger: 'event', deletions: true })),
      await makeRule(other, 'acme/shop', toApp(app, { trigger: 'event', deletions: true })),
    ] as const;
    for (const [seed, server] of [app, other].entries())
      await new Pusher(server, 'acme/shop').image(fakeImage({ layers: [seededBlob(kib, 10 + seed)] }), 'v1');
    for (let turn = 0; turn < 3; turn += 1)
      await Promise.all([app, other].map((server) => runTask(server, 'replication', 5000)));
    await ended(app, made[0]);
    await ended(other, made[1]);
    for (const [server, rule] of [
      [app, made[0]],
      [other, made[1]],
    ] as const)
      expect(await jsonOf<Run[]>(await server.api('GET', `${rule}/runs`))).toHaveLength(1);
  });

  test('that are gone at the other server are deleted here where the rule says so, and no others', async () => {
    await using app = await start();
    await using other = await start();
    for (const server of [app, other]) await createProject(server, 'acme/shop');
    const image = fakeImage({ layers: [seededBlob(kib, 6)] });
    const there = new Pusher(other, 'acme/shop/web');
    for (const tag of ['v1', 'v2']) await there.image(image, tag);
    await new Pusher(app, 'acme/shop/web').image(image, 'own');
    const pull = { direction: 'pull', repository_regex: 'acme/shop/web', target: 'web', deletions: true };
    const rule = await makeRule(app, 'acme/shop', toApp(other, pull));
    expect(await runNow(app, rule)).toMatchObject({ copied: 2 });
    expect((await there.ask('DELETE', 'manifests/v1')).status).toBe(202);
    expect(await runNow(app, rule)).toMatchObject({ deleted: 1, unchanged: 1 });
    expect(await digestAt(app, 'acme/shop/web', 'v1')).toBeNull();
    expect(await digestAt(app, 'acme/shop/web', 'own')).toBe(image.digest);
  });

  test('go on where a run was ended, without sending again what is there', async () => {
    await using app = await start();
    await using registry = await new PushableRegistry().start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop/web');
    for (const seed of [1, 2, 3, 4])
      await pusher.image(fakeImage({ layers: [seededBlob(kib, 20 + seed)] }), `v${seed}`);
    const rule = await makeRule(app, 'acme/shop', to(registry, { target: 'mirror/{repository}' }));
    const isDone = () => registry.manifests.has('mirror/web:v1');
    registry.fault = () => (isDone() ? { status: 503 } : undefined);
    await app.api('POST', `${rule}/run`);
    await eventually(async () => expect(isDone()).toBe(true));
    await app.stop();
    const child = await app.startChild();
    await child.kill();
    registry.fault = undefined;
    registry.requests.length = 0;
    await app.resume();
    app.advance(120_000);
    expect(await ended(app, rule)).toMatchObject({ waiting: 0, failed: 0 });
    expect(registry.manifests.size).toBe(8);
    expect(registry.count('PUT /v2/mirror/web/manifests/v1')).toBe(0);
  });
});

describeApp('another registry that', (start) => {
  async function pushed(fields: object = {}) {
    const app = await start();
    const registry = await new PushableRegistry().start();
    await createProject(app, 'acme/shop');
    const image = fakeImage({ layers: [seededBlob(20 * kib, 7)] });
    await new Pusher(app, 'acme/shop/web').image(image, 'v1');
    const rule = await makeRule(app, 'acme/shop', to(registry, { target: 'mirror/{repository}', ...fields }));
    return {
      app,
      registry,
      image,
      rule,
      reason: async (status = 'failed') => {
        const run = (await jsonOf<Run[]>(await app.api('GET', `${rule}/runs`)))[0];
        const [tag] = await jsonOf<{ reason: string }[]>(
          await app.api('GET', `${rule}/runs/${run?.id}/tags?status=${status}`),
        );
        return tag?.reason ?? run?.reason;
      },
      async [Symbol.asyncDispose]() {
        await registry[Symbol.asyncDispose]();
        await app.close();
      },
    };
  }

  test('has a blob in another repository links it, and lists referrers by the tag for them', async () => {
    await using world = await pushed();
    const { app, registry, image, rule } = world;
    const signature = fakeArtifact(image, 'application/vnd.example.signature');
    await new Pusher(app, 'acme/shop/web').image(signature);
    await new Pusher(app, 'acme/shop/other').image(image, 'v1');
    await runNow(app, rule);
    const layer = image.layers[0]?.digest;
    for (const name of ['web', 'other']) expect(registry.blobs.get(`mirror/${name}@${layer}`)).toBeDefined();
    const tag = image.digest.replace(':', '-');
    const index = JSON.parse(registry.manifests.get(`mirror/web:${tag}`)?.payload.toString() ?? '{}');
    expect(index.manifests).toMatchObject([{ digest: signature.digest, size: signature.payload.length }]);
  });

  test('limits our rate is left alone for as long as it says, and that counts as no failure', async () => {
    await using world = await pushed();
    const { app, registry, rule } = world;
    registry.fault = () => ({ status: 429, headers: { 'retry-after': '300' } });
    await app.api('POST', `${rule}/run`);
    await runTask(app, 'replication');
    const asked = registry.requests.length;
    await runTask(app, 'replication', 60_000);
    expect(registry.requests.length).toBe(asked);
    await app.api('POST', `${rule}/run`);
    await runTask(app, 'replication');
    expect(registry.requests.length).toBe(asked);
    registry.fault = undefined;
    await runTask(app, 'replication', 301_000);
    expect(await ended(app, rule)).toMatchObject({ copied: 1, failed: 0 });
  });

  test('refuses is told of by its own words, once', async () => {
    await using world = await pushed();
    const { app, registry, rule, reason } = world;
    const errors = [{ code: 'DENIED', message: 'the quota is used up' }];
    registry.fault = (method) =>
      method === 'POST' ? { status: 403, body: JSON.stringify({ errors }) } : undefined;
    expect(await runNow(app, rule)).toMatchObject({ failed: 1, waiting: 0 });
    expect(await reason()).toBe('the other registry refused it (403): DENIED: the quota is used up');
  });

  test('is away is asked again for half an hour, and then what waits has failed', async () => {
    await using world = await pushed();
    const { app, registry, rule } = world;
    await registry[Symbol.asyncDispose]();
    await app.api('POST', `${rule}/run`);
    for (let tries = 0; tries < 7; tries += 1) await runTask(app, 'replication', 3_600_000);
    expect(await ended(app, rule)).toMatchObject({ failed: 1, waiting: 0 });
  });

  test('says that it took what it has not is not believed', async () => {
    await using world = await pushed();
    const { app, registry, rule, reason } = world;
    registry.lies = true;
    await app.api('POST', `${rule}/run`);
    await runTask(app, 'replication');
    expect(await reason('waiting')).toMatch(/and has no such tag/);
  });

  test('has the tag as another image keeps it where the rule does not override', async () => {
    await using world = await pushed({ override: false });
    const { app, registry, rule } = world;
    const other = fakeImage({ layers: [seededBlob(kib, 8)] });
    const { digest, payload, mediaType: type } = other;
    registry.manifests.set('mirror/web:v1', { digest, payload, type });
    expect(await runNow(app, rule)).toMatchObject({ skipped: 1, copied: 0 });
    expect(registry.manifests.get('mirror/web:v1')?.digest).toBe(digest);
  });
});

describeApp('a replication rule', (start) => {
  test('is for Maintainers, never shows its password, and is refused where it makes no sense', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const developer = await createUserWithRoles(app, 'dana', { 'acme/shop': 30 });
    const answer = await fetch(`${app.url}/api/v4${rules('acme/shop')}`, {
      headers: { 'private-token': developer.token },
    });
    expect(answer.status).toBe(403);
    const secret = { url: 'https://harbor.example.com', username: 'me', password: 'hidden-1' };
    const made = await app.api('POST', rules('acme/shop'), {
      name: 'x',
      direction: 'push',
      trigger: 'event',
      ...secret,
    });
    expect(made.status).toBe(201);
    expect(await made.text()).not.toContain('hidden-1');
    const events = await (await app.api('GET', '/audit_events')).text();
    expect(events).toContain('replication_rule.create');
    expect(events).not.toContain('hidden-1');
    for (const [fields, attribute] of [
      [{ direction: 'pull', trigger: 'event', repository_regex: 'a' }, 'trigger'],
      [{ direction: 'pull' }, 'repository_regex'],
      [{ trigger: 'schedule' }, 'every_hours'],
      [{ tag_regex: '(' }, 'tag_regex'],
      [{ target: 'Mirror/{repository}' }, 'target'],
      [{ url: 'http://10.1.2.3:5000' }, 'url'],
      [{ url: 'entrepot:acme/shop' }, 'url'],
    ] as const) {
      const rule = {
        name: 'x',
        direction: 'push',
        trigger: 'manual',
        url: 'https://harbor.example.com',
        ...fields,
      };
      const refused = await app.api('POST', rules('acme/shop'), rule);
      expect([attribute, refused.status]).toEqual([attribute, 400]);
      expect(await refused.text()).toContain(attribute);
    }
  });
});
