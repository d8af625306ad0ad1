import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { jsonOf } from '../support/bodies.ts';
import { Credentials } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { createUser, Pusher } from '../support/pushing.ts';

const image = fakeImage({ layers: [] });
const on = { environment: { ENTREPOT_HOSTED__PERSONAL_NAMESPACES: 'true' } };

async function kindOf(app: TestApp, path: string): Promise<string | undefined> {
  const answer = await app.api('GET', `/namespaces/${path}`);
  return answer.ok ? (await jsonOf<{ kind: string }>(answer)).kind : undefined;
}

async function projectOf(app: TestApp, path: string) {
  const answer = await app.api('GET', `/projects/${encodeURIComponent(path)}`);
  return answer.ok ? jsonOf<{ visibility: string }>(answer) : undefined;
}

async function userIdOf(app: TestApp, username: string): Promise<number> {
  const [user] = await jsonOf<{ id: number }[]>(await app.api('GET', `/users?username=${username}`));
  return user?.id ?? 0;
}

/** The status of the request that begins a push, with a registry token, as Docker has it. */
async function push(app: TestApp, name: string, username: string, secret: string): Promise<number> {
  const authorization = await bearerOf(app.url, { username, secret }, `repository:${name}:pull,push`);
  const path = `${app.url}/v2/${name}/blobs/uploads/`;
  return (await fetch(path, { method: 'POST', headers: { authorization } })).status;
}

describeApp('namespaces of users', (start) => {
  test('are made with their projects by the first push, are private, and tell of it', async () => {
    await using app = await start(on);
    const dana = await createUser(app, 'dana');
    expect(await push(app, 'dana/tool/part', dana.username, dana.token)).toBe(202);
    expect([await kindOf(app, 'dana'), await projectOf(app, 'dana/tool')]).toEqual([
      'user',
      expect.objectContaining({ visibility: 'private' }),
    ]);
    // Also without a token of /jwt/auth, and to another project.
    await new Pusher(app, 'dana/other', dana).image(image, '1');
    const pulled = await new Pusher(app, 'dana/other', dana).ask('GET', 'manifests/1');
    expect(pulled.status).toBe(200);
    const made = await jsonOf<{ event_name: string; author_id: number }[]>(
      await app.api('GET', '/audit_events?per_page=100'),
    );
    const userId = await userIdOf(app, 'dana');
    const events = made.filter((event) => event.author_id === userId).map((event) => event.event_name);
    expect(events.filter((event) => event.endsWith('.create')).toSorted()).toEqual([
      'group.create',
      'project.create',
      'project.create',
    ]);
  });

  test('are for their users alone', async () => {
    await using app = await start(on);
    const [dana, sam] = [await createUser(app, 'dana'), await createUser(app, 'sam')];
    expect(await push(app, 'dana/tool', sam.username, sam.token)).toBe(403);
    expect(await projectOf(app, 'dana/tool')).toBeUndefined();
    expect(await push(app, 'dana/tool', dana.username, dana.token)).toBe(202);
    expect(await push(app, 'dana/tool', sam.username, sam.token)).toBe(403);
  });

  test('are not there unless they are wanted, nor where a group has the name, nor by what may not push', async () => {
    await using off = await start();
    const before = await createUser(off, 'dana');
    expect(await push(off, 'dana/tool', before.username, before.token)).toBe(403);
    expect(await kindOf(off, 'dana')).toBeUndefined();
    expect((await off.api('POST', '/projects', { path: 'tool' })).status).toBe(400);

    await using app = await start(on);
    await app.api('POST', '/groups', { name: 'taken', path: 'taken' });
    const taken = await createUser(app, 'taken');
    expect(await push(app, 'taken/tool', taken.username, taken.token)).toBe(403);
    expect(await kindOf(app, 'taken')).toBe('group');
    const credentials = new Credentials(app);
    const reader = await credentials.user('reader');
    const { secret } = await credentials.personalToken('reader', reader, ['read_registry']);
    expect(await push(app, 'reader/tool', 'reader', secret)).toBe(403);
    expect(await kindOf(app, 'reader')).toBeUndefined();
    const settings = { default_container_registry_access_level: 'disabled' };
    await app.api('PUT', '/application/settings', settings);
    const dana = await createUser(app, 'dana');
    expect(await push(app, 'dana/tool', dana.username, dana.token)).toBe(403);
    expect(await kindOf(app, 'dana')).toBeUndefined();
  });

  test('are what projects are made in that are made in no group', async () => {
    await using app = await start(on);
    const { status, ...answer } = await app.api('POST', '/projects', { name: 'Tool' }).then(async (made) => ({
      status: made.status,
      ...(await jsonOf<{ path_with_namespace: string }>(made)),
    }));
    expect([status, answer.path_with_namespace]).toEqual([201, 'root/tool']);
  });

  test('are renamed and removed with their users, and neither by themselves', async () => {
    await using app = await start(on);
    const dana = await createUser(app, 'dana');
    const group = await app.api('POST', '/groups', { name: 'acme', path: 'acme' });
    const { id: acme } = await jsonOf<{ id: number }>(group);
    await new Pusher(app, 'dana/tool', dana).image(image, '1');
    const { id } = await jsonOf<{ id: number }>(await app.api('GET', '/groups/dana'));
    for (const [method, path, body] of [
      ['PUT', `/groups/${id}`, { path: 'elsewhere' }],
      ['DELETE', `/groups/${id}`, undefined],
      ['POST', `/groups/${id}/transfer`, { group_id: acme }],
      ['POST', `/groups/${acme}/transfer`, { group_id: id }],
      ['POST', '/groups', { name: 'sub', path: 'sub', parent_id: id }],
      ['POST', `/groups/${id}/members`, { user_id: 1, access_level: 30 }],
      ['POST', `/groups/${id}/-/virtual_registries/container/registries`, { name: 'hub' }],
    ] as const) {
      const answer = await app.api(method, path, body);
      expect([path, answer.status, await answer.text()]).toEqual([
        path,
        400,
        expect.stringContaining('dana is the namespace of a user'),
      ]);
    }
    const userId = await userIdOf(app, 'dana');
    expect((await app.api('PUT', `/users/${userId}`, { username: 'acme' })).status).toBe(400);
    expect((await app.api('PUT', `/users/${userId}`, { username: 'dany' })).status).toBe(200);
    const renamed = new Pusher(app, 'dany/tool', { ...dana, username: 'dany' });
    expect((await renamed.ask('GET', 'manifests/1')).status).toBe(200);
    expect(await kindOf(app, 'dana')).toBeUndefined();

    expect((await app.api('DELETE', `/users/${userId}`)).status).toBe(204);
    expect([await kindOf(app, 'dany'), await projectOf(app, 'dany/tool')]).toEqual([undefined, undefined]);
  });
});
