import { expect, test } from 'vitest';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';

/** PostgreSQL keeps no NUL, and half of a surrogate pair is no text. */
describeApp('text that cannot be kept', (start) => {
  test('is refused wherever the REST API takes text', async () => {
    await using app = await start();
    const calls: readonly (readonly [string, string, string, object?])[] = [
      ['POST', '/groups', 'name', { name: 'a\0b', path: 'acme' }],
      ['POST', '/groups', 'name', { name: 'a\ud800b', path: 'acme' }],
      ['GET', '/groups?search=%00', 'search'],
      ['GET', '/groups/a%00', 'id'],
      ['GET', '/audit_events?entity_type=%00', 'entity_type'],
      ['POST', '/user/personal_access_tokens', 'name', { name: '\0', scopes: ['api'] }],
      ['PUT', '/application/settings', 'maintenance_mode_message', { maintenance_mode_message: '\0' }],
      [
        'POST',
        '/virtual_registries/container/registries/1/upstreams',
        'allow_patterns',
        { url: 'https://example.com', name: 'a', allow_patterns: ['team/\0'] },
      ],
    ];
    for (const [method, path, name, body] of calls) {
      const answer = await app.api(method, path, body);
      expect([path, answer.status, await jsonOf(answer)]).toEqual([
        path,
        400,
        { error: `${name} is invalid` },
      ]);
    }
    expect(await (await app.api('GET', '/groups')).json()).toHaveLength(1);
  });

  test('is nobody’s name, password or token', async () => {
    await using app = await start();
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    for (const authorization of [
      basic('a\0b:c'),
      basic('root:\0'),
      basic('root:ent-\0'),
      basic('a:entd-\0'),
    ]) {
      expect((await fetch(`${app.url}/jwt/auth`, { headers: { authorization } })).status).toBe(401);
      expect((await fetch(`${app.url}/v2/`, { headers: { authorization } })).status).toBe(401);
    }
    expect((await fetch(`${app.url}/api/v4/groups?private_token=%00`)).status).toBe(401);
    const signIn = await fetch(`${app.url}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'a\0', password: 'b' }),
    });
    expect(signIn.status).toBe(401);
  });
});
