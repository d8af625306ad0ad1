/** Why a push or a pull was refused: the cause that holds, to whoever may know it; the same as for what does not exist to all others. */
import { expect, onTestFinished, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { basicOf, Credentials, type Secret } from '../support/credentials.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { createProject } from '../support/pushing.ts';

const hidden =
  /there is no project for \S+ that you may push to: create it|cannot be pulled from: there may be no such/;

describeEachDatabase('who is refused', (_open, { createPlace }) => {
  async function start() {
    const app = await TestApp.start({ databaseUrl: (await createPlace()).url });
    onTestFinished(() => app.close());
    const credentials = new Credentials(app);
    const private_ = await createProject(app, 'acme/private');
    const off = await createProject(app, 'acme/off', { container_registry_access_level: 'disabled' });
    await createProject(app, 'acme/open', { visibility: 'public' });
    await createProject(app, 'other/closed');
    const askers: Record<string, Secret> = {};
    for (const [name, role] of [
      ['owner', 'Owner'],
      ['developer', 'Developer'],
      ['guest', 'Guest'],
      ['stranger', undefined],
    ] as const) {
      const id = await credentials.user(name);
      if (role) await credentials.member('groups', 'acme', id, role);
      askers[name] = await credentials.personalToken(name, id, ['api']);
      if (name === 'developer')
        askers['reader'] = await credentials.personalToken(name, id, ['read_registry']);
      if (name === 'developer') askers['nothing'] = await credentials.personalToken(name, id, ['read_user']);
    }
    const expired = await credentials.user('expired');
    await credentials
      .call('POST', '/groups/acme/members', { user_id: expired, access_level: 50, expires_at: '2000-01-02' })
      .catch(() => undefined);
    askers['deploy'] = await credentials.deployToken('projects', private_, [
      'read_registry',
      'write_registry',
    ]);
    askers['job'] = await credentials.jobToken(private_, { access_level: 30 });
    const ask = async (who: string, action: 'pull' | 'push', name: string, way: 'Basic' | 'Bearer') => {
      const secret = askers[who];
      if (!secret) throw new Error(`nobody is called ${who}`);
      const scope = `repository:${name}:${action === 'pull' ? 'pull' : 'pull,push'}`;
      const authorization = way === 'Basic' ? basicOf(secret) : await bearerOf(app.url, secret, scope);
      const [method, path] = action === 'pull' ? ['GET', 'manifests/1'] : ['POST', 'blobs/uploads/'];
      const answer = await fetch(`${app.url}/v2/${name}/${path}`, { method, headers: { authorization } });
      const { errors } = (await answer.json()) as { errors: { message: string }[] };
      return { status: answer.status, message: errors[0]?.message ?? '' };
    };
    return { app, credentials, ask, off };
  }

  const deep = 'acme/open/a/b/c';
  const cases: readonly [who: string, action: 'pull' | 'push', name: string, said: RegExp][] = [
    ['owner', 'push', 'acme/off', /container registry of the project acme\/off is disabled/],
    ['owner', 'pull', 'acme/off/x', /container registry of the project acme\/off is disabled/],
    ['guest', 'pull', 'acme/off', /is disabled/],
    ['stranger', 'push', 'acme/off', hidden],
    ['stranger', 'pull', 'acme/off', hidden],
    ['owner', 'push', deep, /at most two segments after the path of its project, which is acme\/open/],
    ['stranger', 'pull', deep, /at most two segments/],
    ['stranger', 'push', 'acme/private/a/b/c', hidden],
    ['owner', 'push', 'acme/new/app', /there is no project for acme\/new\/app in the group acme: create it/],
    ['developer', 'push', 'acme/new', /ask a Maintainer of the group acme to create it/],
    ['stranger', 'push', 'acme/new', hidden],
    ['stranger', 'push', 'nowhere/new', hidden],
    ['owner', 'push', 'acme', /acme is a group, and images are in projects/],
    ['guest', 'pull', 'acme/private', /needs the role Reporter or more in the project acme\/private/],
    ['guest', 'push', 'acme/private', /needs the role Developer or more in the project acme\/private/],
    ['stranger', 'push', 'acme/open', /needs the role Developer or more in the project acme\/open/],
    ['stranger', 'pull', 'acme/private', hidden],
    ['reader', 'push', 'acme/private', /the token lacks the scope for it: api or write_registry/],
    [
      'nothing',
      'pull',
      'acme/private',
      /the token lacks the scope for it: api or read_registry or write_registry/,
    ],
    ['deploy', 'pull', 'other/closed', /the deploy token is for acme\/private/],
    ['deploy', 'pull', 'other/absent', /the deploy token is for acme\/private/],
    ['job', 'push', 'acme/open', /the job is for acme\/private/],
    [
      'owner',
      'pull',
      'virtual_registries/container/docker-hub/team/app',
      /ids of virtual registries are numbers/,
    ],
    ['stranger', 'pull', 'virtual_registries/container/99/team/app', hidden],
    ['stranger', 'pull', 'virtual_registries/container/1/team/app', hidden],
    ['owner', 'push', 'virtual_registries/container/docker-hub/x', /virtual registries are for pulling/],
  ];

  test('is told the cause that holds, if it is theirs to know', async () => {
    const { ask } = await start();
    const wrong: string[] = [];
    for (const [who, action, name, said] of cases)
      for (const way of ['Basic', 'Bearer'] as const) {
        const { status, message } = await ask(who, action, name, way);
        const expected = /for pulling$|for pulling,/.test(message) ? 405 : action === 'pull' ? 404 : 403;
        if (status !== expected || !said.test(message))
          wrong.push(`${who} ${action} ${name} ${way}: ${status} ${message}`);
      }
    expect(wrong).toEqual([]);
  });

  test('is told the same, word for word, of what is absent and of what is not theirs to know', async () => {
    const { ask } = await start();
    const said = async (name: string, action: 'pull' | 'push') => {
      const { status, message } = await ask('stranger', action, name, 'Basic');
      return `${status} ${message.replaceAll(name, 'NAME')}`;
    };
    for (const action of ['pull', 'push'] as const) {
      const absent = await said('absent/project', action);
      for (const name of [
        'acme/private',
        'acme/off',
        'acme/private/a/b/c',
        'acme',
        'acme/absent',
        'other/closed',
      ])
        expect(await said(name, action)).toBe(absent);
    }
  });

  test('because of a token from before they got the right is sent for another one, and nobody else is', async () => {
    const { app, credentials } = await start();
    const [userId, other] = [await credentials.user('late'), await credentials.user('never')];
    const late = await credentials.personalToken('late', userId, ['api']);
    const never = await credentials.personalToken('never', other, ['api']);
    const pull = (authorization: string) =>
      fetch(`${app.url}/v2/acme/private/tags/list`, { headers: { authorization } });
    const early = await bearerOf(app.url, late, 'repository:acme/private:pull');
    const strangers = await bearerOf(app.url, never, 'repository:acme/private:pull');
    expect((await pull(early)).status).toBe(404);
    await credentials.member('groups', 'acme', userId, 'Reporter');
    const answer = await pull(early);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(
      /scope="repository:acme\/private:pull",error="insufficient_scope"/,
    );
    expect((await pull(strangers)).status).toBe(404);
    const fresh = await pull(await bearerOf(app.url, late, 'repository:acme/private:pull'));
    expect(await fresh.text()).toContain('there is no repository acme/private');
  });
});
