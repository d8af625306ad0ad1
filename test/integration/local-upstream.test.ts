import { expect, onTestFinished, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { bytesOf, errorOf, jsonOf, manifestsOf, tagsOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import {
  type FakeManifest,
  fakeArtifact,
  fakeImage,
  fakeIndex,
  seededBlob,
} from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

/** The group of virtual registry 1: private, as the first start makes it. */
const group = 'default';
const team = fakeImage({ architecture: 'amd64', layers: [seededBlob(100_000, 1)] });

describeApp('a local upstream', (start) => {
  /** Hub has web:v1 and web:hub, the project default/web is empty. */
  async function setUp(order: 'local first' | 'hub first' = 'local first') {
    const hub = await new FakeRegistry().start();
    onTestFinished(() => hub.stop());
    const theirs = hub.repository('web').addImage({ tag: 'v1', architecture: 'arm64' });
    hub.repository('web').tag('hub', theirs.digest);
    const app = await start();
    onTestFinished(() => app.close());
    const projectId = await createProject(app, group, 'web');
    const upstreams = [{ url: `entrepot:${group}` }, hub];
    await app.useUpstreams(order === 'local first' ? upstreams : upstreams.toReversed());
    return { app, hub, theirs, projectId };
  }

  test('comes first: its images are pulled, and what it does not have comes from the next', async () => {
    const { app, hub, theirs } = await setUp();
    await push(app, `${group}/web`, team, 'v1', 'team');
    const ours = await app.manifest('web', 'v1');
    expect(ours.headers.get('docker-content-digest')).toBe(team.digest);
    expect(ours.headers.get('cache-status')).toBe('entrepot');
    expect(await bytesOf(ours)).toEqual(team.payload);
    for (const blob of blobsOf(team)) {
      const answer = await app.blob('web', blob.digest);
      expect(answer.status).toBe(200);
      expect((await bytesOf(answer)).length).toBe(blob.size);
    }
    expect(hub.count()).toBe(0);
    const fromHub = await app.manifest('web', 'hub');
    expect(fromHub.headers.get('docker-content-digest')).toBe(theirs.digest);
    const path = 'virtual_registries/container/1/web/tags/list';
    expect(await tagsOf(await app.v2(path))).toEqual(['hub', 'team', 'v1']);
    const page = await app.v2(`${path}?n=2`);
    expect(await tagsOf(page)).toEqual(['hub', 'team']);
    expect(await tagsOf(await app.v2(`${path}?n=2&last=team`))).toEqual(['v1']);
  });

  test('is never cached: what is pushed, moved and deleted counts at once', async () => {
    const { app, theirs } = await setUp();
    const digestOf = async (reference: string) =>
      (await app.manifest('web', reference)).headers.get('docker-content-digest');
    expect(await digestOf('v1')).toBe(theirs.digest);
    await push(app, `${group}/web`, team, 'v1');
    expect(await digestOf('v1')).toBe(team.digest);
    const other = fakeImage({ architecture: 's390x' });
    await push(app, `${group}/web`, other, 'v1');
    expect(await digestOf('v1')).toBe(other.digest);
    for (const image of [team, other])
      await expectStatus(app.v2(`${group}/web/manifests/${image.digest}`, { method: 'DELETE' }), 202);
    expect(await digestOf('v1')).toBe(theirs.digest);
    expect((await app.manifest('web', team.digest)).status).toBe(404);
    const [local] = app.upstreamIds;
    const entries = await app.api('GET', `/virtual_registries/container/upstreams/${local}/cache_entries`);
    expect(await jsonOf(entries)).toEqual([]);
  });

  test('below a remote one is not kept from answering when that is down, and costs it no blobs', async () => {
    const { app, hub, theirs } = await setUp('hub first');
    await push(app, `${group}/web`, team, 'v1', 'team');
    expect((await app.manifest('web', 'v1')).headers.get('docker-content-digest')).toBe(theirs.digest);
    hub.forgetRequests();
    expect((await app.manifest('web', team.digest)).status).toBe(200);
    for (const { digest } of blobsOf(team)) expect((await app.blob('web', digest)).status).toBe(200);
    expect(hub.count()).toBe(0);
    await hub.stop();
    expect((await app.manifest('web', 'team')).status).toBe(200);
    const unsure = await app.manifest('web', 'nowhere');
    expect(unsure.status).toBe(503);
    expect((await errorOf(unsure)).code).toBe('UNAVAILABLE');
  });

  test('shows an index with its images, and their referrers', async () => {
    const { app } = await setUp();
    const index = fakeIndex({ manifests: [team] });
    const signature = fakeArtifact(team, 'application/vnd.example.signature');
    await push(app, `${group}/web`, team);
    await push(app, `${group}/web`, index, 'all');
    await push(app, `${group}/web`, signature);
    expect((await app.manifest('web', 'all')).status).toBe(200);
    expect((await app.manifest('web', team.digest)).status).toBe(200);
    const referrers = await app.v2(`virtual_registries/container/1/web/referrers/${team.digest}`);
    expect(await manifestsOf(referrers)).toMatchObject([{ digest: signature.digest }]);
  });

  test('of a project has the images below it', async () => {
    const { app } = await setUp();
    await app.useUpstreams([{ url: `entrepot:${group}/web`, deny_patterns: ['secret/*'] }]);
    await push(app, `${group}/web/api`, team, 'v1');
    await push(app, `${group}/web/secret/key`, team, 'v1');
    expect((await app.manifest('api', 'v1')).status).toBe(200);
    const refused = await app.manifest('secret/key', 'v1');
    expect(refused.status).toBe(404);
    expect((await errorOf(refused)).message).toContain('patterns');
  });

  test('shows a private project of its group to whoever may pull through the virtual registry', async () => {
    const { app } = await setUp();
    await push(app, `${group}/web`, team, 'v1');
    const guest = await createGuest(app, group);
    const pull = (name: string) => app.v2(`${name}/manifests/v1`, { headers: { authorization: guest } });
    expect((await pull('virtual_registries/container/1/web')).status).toBe(200);
    expect((await pull(`${group}/web`)).status).toBe(404);
  });

  test('shows of another group what is public, as long as it is', async () => {
    const { app } = await setUp();
    await createGroup(app, 'open', 'public');
    const tools = await createProject(app, 'open', 'tools', 'public');
    await createProject(app, 'open', 'vault', 'private');
    await createProject(app, 'open', 'hall', 'internal');
    for (const name of ['open/tools', 'open/vault', 'open/hall']) await push(app, name, team, 'v1');
    await app.useUpstreams([{ url: 'entrepot:open' }]);
    expect((await app.manifest('tools', 'v1')).status).toBe(200);
    for (const name of ['vault', 'hall']) expect((await app.manifest(name, 'v1')).status).toBe(404);
    await expectStatus(app.api('PUT', `/projects/${tools}`, { visibility: 'private' }), 200);
    expect((await app.manifest('tools', 'v1')).status).toBe(404);
  });

  test('whose project is deleted gives way to the next', async () => {
    const { app, theirs, projectId } = await setUp();
    await push(app, `${group}/web`, team, 'v1');
    await app.manifest('web', 'v1');
    const deleted = await app.api('DELETE', `/projects/${projectId}`);
    expect(deleted.ok).toBe(true);
    expect((await app.manifest('web', 'v1')).headers.get('docker-content-digest')).toBe(theirs.digest);
  });

  test('cannot be pushed to through the virtual registry', async () => {
    const { app } = await setUp();
    const answer = await app.v2('virtual_registries/container/1/web/blobs/uploads/', { method: 'POST' });
    expect(answer.status).toBe(405);
    expect((await errorOf(answer)).code).toBe('UNSUPPORTED');
  });

  test('is explained in the walk', async () => {
    const { app, hub } = await setUp();
    await push(app, `${group}/web`, team, 'v1');
    const path = '/virtual_registries/container/registries/1/explain?image=web:';
    const [local, remote] = app.upstreamIds;
    expect(await jsonOf(await app.api('GET', `${path}v1`))).toMatchObject({
      upstreams: [
        {
          id: local,
          repository: `${group}/web`,
          breaker: 'closed',
          entry: null,
          answer: { result: 'found' },
        },
        { id: remote, repository: 'web', would_ask: false, answer: null },
      ],
      verdict: { upstream_id: local, source: 'hosted', digest: team.digest },
    });
    expect(hub.count()).toBe(0);
    expect(await jsonOf(await app.api('GET', `${path}hub`))).toMatchObject({
      upstreams: [{ answer: { result: 'not-found' } }, { answer: { result: 'found' } }],
      verdict: { upstream_id: remote, source: 'upstream' },
    });
  });
});

function blobsOf(image: FakeManifest) {
  return [...(image.config ? [image.config] : []), ...image.layers];
}

/** With its blobs; by digest where there is no tag. */
async function push(app: TestApp, name: string, image: FakeManifest, ...tags: string[]): Promise<void> {
  for (const blob of blobsOf(image)) {
    const body = Buffer.concat([...blob.read(0, blob.size)]);
    const headers = { 'content-type': 'application/octet-stream' };
    const path = `${name}/blobs/uploads/?digest=${blob.digest}`;
    await expectStatus(app.v2(path, { method: 'POST', headers, body }), 201);
  }
  for (const reference of tags.length > 0 ? tags : [image.digest]) {
    const headers = { 'content-type': image.mediaType };
    const init = { method: 'PUT', headers, body: new Uint8Array(image.payload) };
    await expectStatus(app.v2(`${name}/manifests/${reference}`, init), 201);
  }
}

async function expectStatus(answer: Promise<Response>, status: number): Promise<Response> {
  const given = await answer;
  if (given.status !== status) throw new Error(`${given.status}: ${await given.text()}`);
  return given;
}

async function createGroup(app: TestApp, path: string, visibility: string): Promise<void> {
  await expectStatus(app.api('POST', '/groups', { name: path, path, visibility }), 201);
}

/** Its id. */
async function createProject(
  app: TestApp,
  groupPath: string,
  path: string,
  visibility = 'private',
): Promise<number> {
  const { id: namespaceId } = await jsonOf<{ id: number }>(await app.api('GET', `/groups/${groupPath}`));
  const fields = { name: path, path, namespace_id: namespaceId, visibility };
  return (await jsonOf<{ id: number }>(await expectStatus(app.api('POST', '/projects', fields), 201))).id;
}

/** Credentials of a new Guest of the group. */
async function createGuest(app: TestApp, groupPath: string): Promise<string> {
  const user = { username: 'guest', name: 'Guest' };
  const { id } = await jsonOf<{ id: number }>(await expectStatus(app.api('POST', '/users', user), 201));
  const member = { user_id: id, access_level: 10 };
  await expectStatus(app.api('POST', `/groups/${groupPath}/members`, member), 201);
  const scopes = { name: 'pull', scopes: ['api'] };
  const answer = await expectStatus(app.api('POST', `/users/${id}/personal_access_tokens`, scopes), 201);
  const { token } = await jsonOf<{ token: string }>(answer);
  return `Basic ${Buffer.from(`guest:${token}`).toString('base64')}`;
}
