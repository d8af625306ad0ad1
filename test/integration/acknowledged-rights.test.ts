/** What the API acknowledged holds for the very next request to the same process, whether it gives a right or takes it. */
import { expect, onTestFinished, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { basicOf, Credentials, roles } from '../support/credentials.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { losses } from '../support/losses.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const image = fakeImage({ layers: [seededBlob(100, 1)] });

describeEachDatabase('what the API acknowledged', (open, { createPlace }) => {
  async function start(): Promise<{ app: TestApp; upstream: FakeRegistry }> {
    const upstream = await new FakeRegistry().start();
    onTestFinished(() => upstream.stop());
    upstream.repository('x').push(image, '1');
    const app = await TestApp.start({ databaseUrl: (await createPlace()).url });
    onTestFinished(() => app.close());
    return { app, upstream };
  }

  async function createPlaceOf(app: TestApp, group: string, upstream: FakeRegistry) {
    const project = `${group}/shop`;
    const projectId = await createProject(app, project);
    await new Pusher(app, project).image(image, '1');
    const credentials = new Credentials(app);
    const path = `/groups/${group}/-/virtual_registries/container/registries`;
    const { id: registryId } = await credentials.call<{ id: number }>('POST', path, { name: group });
    const upstreams = `/virtual_registries/container/registries/${registryId}/upstreams`;
    const { id: upstreamId } = await credentials.call<{ id: number }>('POST', upstreams, {
      name: 'fake',
      url: upstream.url,
    });
    return { group, project, projectId, registryId, upstreamId };
  }

  test('takes rights at once, from credentials and from registry tokens of before', async () => {
    const { app, upstream } = await start();
    const wrong: string[] = [];
    for (const [index, { name, prepare }] of losses.entries()) {
      const place = await createPlaceOf(app, `loss-${index}`, upstream);
      const { secret, source, lose } = await prepare(new Credentials(app), place);
      const pulled =
        source === 'project' ? place.project : `virtual_registries/container/${place.registryId}/x`;
      const bearer = await bearerOf(app.url, secret, `repository:${pulled}:pull`);
      const askers = secret ? [bearer, basicOf(secret)] : [bearer];
      const ask = () =>
        Promise.all(
          askers.map(async (authorization) => {
            const headers = { authorization };
            return (await fetch(`${app.url}/v2/${pulled}/manifests/1`, { headers })).status;
          }),
        );
      // Twice, so that whatever is remembered is.
      for (let time = 0; time < 2; time += 1)
        if ((await ask()).some((status) => status !== 200)) wrong.push(`${name}: refused before`);
      await lose();
      const after = await ask();
      if (after.includes(200)) wrong.push(`${name}: ${after} after`);
    }
    expect(wrong).toEqual([]);
  });

  test('gives rights at once to who was refused a moment before', async () => {
    const { app, upstream } = await start();
    const credentials = new Credentials(app);
    const place = await createPlaceOf(app, 'acme', upstream);
    const { projectId, registryId, upstreamId } = place;
    const userId = await credentials.user('dana');
    const dana = await credentials.personalToken('dana', userId, ['api']);
    const hosted = '/v2/acme/shop/manifests/1';
    const cached = `/v2/virtual_registries/container/${registryId}/x/manifests/1`;
    const upload = '/v2/acme/shop/blobs/uploads/';
    const ask = async (method: string, path: string): Promise<boolean> => {
      const answer = await fetch(app.url + path, { method, headers: { authorization: basicOf(dana) } });
      return answer.ok;
    };
    const wrong: string[] = [];
    /** Each a change, what it decides, and whether that is allowed after it. */
    const change = async (
      allowed: boolean,
      asked: readonly [method: string, path: string],
      ...call: [method: string, path: string, body?: object]
    ) => {
      for (let time = 0; time < 2; time += 1)
        if ((await ask(...asked)) === allowed) wrong.push(`${asked} before ${call.join(' ')}`);
      await credentials.call(...call);
      if ((await ask(...asked)) !== allowed) wrong.push(`${asked} after ${call.join(' ')}`);
    };
    const member = `/groups/acme/members/${userId}`;
    const registry = `/virtual_registries/container/registries/${registryId}`;
    const push = ['POST', upload] as const;
    const pull = ['GET', hosted] as const;
    const pullCached = ['GET', cached] as const;
    await change(true, pullCached, 'PATCH', registry, { anonymous_pull: true });
    await change(false, pullCached, 'PATCH', registry, { anonymous_pull: false });
    await change(true, pull, 'POST', `/projects/${projectId}/members`, { user_id: userId, access_level: 20 });
    await change(false, pull, 'DELETE', `/projects/${projectId}/members/${userId}`);
    await change(true, pull, 'POST', '/groups/acme/members', { user_id: userId, access_level: 20 });
    await change(true, push, 'PUT', member, { access_level: roles.Developer });
    const upstreamPath = `/virtual_registries/container/upstreams/${upstreamId}`;
    await change(false, pullCached, 'PATCH', upstreamPath, { deny_patterns: ['x'] });
    await change(true, pullCached, 'PATCH', upstreamPath, { deny_patterns: [] });
    await change(false, push, 'PUT', '/application/settings', { maintenance_mode: true });
    await change(true, push, 'PUT', '/application/settings', { maintenance_mode: false });
    const rules = `/projects/${projectId}/registry/protection/repository/rules`;
    const rule = { repository_path_pattern: 'acme/shop', minimum_access_level_for_push: 'maintainer' };
    await change(false, push, 'POST', rules, rule);
    const [made] = await credentials.call<{ id: number }[]>('GET', rules);
    await change(true, push, 'DELETE', `${rules}/${made?.id}`);
    await change(false, pull, 'PUT', `/projects/${projectId}`, {
      container_registry_access_level: 'disabled',
    });
    await change(true, pull, 'PUT', `/projects/${projectId}`, { container_registry_access_level: 'enabled' });
    await change(false, pull, 'POST', `/users/${userId}/block`);
    await change(true, pull, 'POST', `/users/${userId}/unblock`);
    await change(false, pull, 'DELETE', member);
    await change(true, pull, 'PUT', `/projects/${projectId}`, { visibility: 'internal' });
    await change(false, pull, 'DELETE', dana.path);
    expect(wrong).toEqual([]);
  });

  test('holds over REST, too: a token that was revoked is refused at once', async () => {
    const { app } = await start();
    const credentials = new Credentials(app);
    const userId = await credentials.user('dana');
    const token = await credentials.personalToken('dana', userId, ['api']);
    const ask = () => fetch(`${app.url}/api/v4/user`, { headers: { 'private-token': token.secret } });
    expect((await ask()).status).toBe(200);
    await credentials.call('DELETE', token.path);
    expect((await ask()).status).toBe(401);
  });

  test('is counted once more when its transaction is over, and the use of a token is no change', async () => {
    const database = await open();
    const { revision } = database;
    let within = 0;
    const user = await database.transaction(async (tx) => {
      const created = await tx.users.create({ username: 'dana', name: 'Dana', isAdmin: false });
      within = revision.current;
      return created;
    });
    expect(revision.current).toBeGreaterThan(within);
    const fields = { name: 'test', tokenHash: 'hash', scopes: [], expiresAt: Date.UTC(2027, 0, 1) };
    const token = await database.accessTokens.create({ userId: user.id, ...fields });
    const before = revision.current;
    await database.accessTokens.noteUse(token.id, Date.UTC(2026, 1, 1));
    expect(revision.current).toBe(before);
  });
});
