import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const ofGroup = (group: number) => `/groups/${group}/-/virtual_registries/container/upstreams/test`;
const patternsOf = (group: number) =>
  `/groups/${group}/-/virtual_registries/container/upstreams/try_patterns`;
const ofUpstream = (id: number) => `/virtual_registries/container/upstreams/${id}/test`;

describeEachDatabase('testing connections', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('platform');
    const registry = await api.createRegistry(group, 'base');
    const upstream = await api.createUpstream(registry, 'hub', { username: 'a', password: 'b' });
    return { api, group, id: upstream.id as number };
  }

  test('an upstream that may come is tested with what is said of it, and nothing is stored', async () => {
    const { api, group } = await start();
    const given = { url: 'https://new.example/v2/', username: 'c', password: 'd' };
    const { status, body } = await api.ask('POST', ofGroup(group), given);
    expect({ status, body }).toEqual({ status: 200, body: { success: true } });
    expect(api.tested).toMatchObject([
      {
        path: 'library/alpine/manifests/latest',
        settings: {
          url: 'https://new.example',
          credentials: { username: 'c', password: 'd' },
          allowPrivateNetwork: false,
        },
      },
    ]);
    expect(await api.database.upstreams.listByUrl(group, 'https://new.example')).toEqual([]);
  });

  test('a failure is an answer', async () => {
    const { api, group, id } = await start();
    api.testResult = { success: false, result: 'Error: 401 - Unauthorized' };
    const failure = { status: 200, body: { success: false, result: 'Error: 401 - Unauthorized' } };
    expect(await api.ask('POST', ofGroup(group), { url: 'https://new.example' })).toMatchObject(failure);
    expect(await api.ask('POST', ofUpstream(id))).toMatchObject(failure);
  });

  test('patterns and prefixes are tried before there is an upstream: by its name there, and with the patterns that match', async () => {
    const { api, group } = await start();
    const tried = async (given: Json) => {
      const { status, body } = await api.ask('POST', patternsOf(group), {
        url: 'https://registry-1.docker.io',
        ...given,
      });
      return { status, body };
    };
    const allow_patterns = ['library/*', 'acme/**', '*/redis'];
    const matched = (body: object) => ({
      status: 200,
      body: { repository: 'library/redis', allowed: true, allowed_by: [], denied_by: [], ...body },
    });
    expect(await tried({ image: 'redis:7' })).toEqual(matched({}));
    expect(await tried({ image: 'redis', allow_patterns })).toEqual(
      matched({ allowed_by: ['library/*', '*/redis'] }),
    );
    expect(await tried({ image: 'redis', allow_patterns, deny_patterns: ['**/redis', 'x'] })).toEqual(
      matched({ allowed: false, allowed_by: ['library/*', '*/redis'], denied_by: ['**/redis'] }),
    );
    expect(await tried({ image: 'redis', allow_patterns: ['acme/**'] })).toEqual(matched({ allowed: false }));
    expect(
      await tried({ image: 'hub/web', strip_prefix: 'hub', add_prefix: 'acme/mirror', allow_patterns }),
    ).toEqual(matched({ repository: 'acme/mirror/web', allowed_by: ['acme/**'] }));
    expect(await tried({ image: 'web', strip_prefix: 'hub' })).toEqual(
      matched({ repository: null, allowed: false }),
    );
    expect(await tried({ image: 'redis', allow_patterns: ['{'] })).toMatchObject({
      status: 400,
      body: { message: { allow_patterns: [expect.stringContaining('brace')] } },
    });
    expect(await tried({ image: 'Not An Image' })).toMatchObject({ status: 400 });
    expect(await tried({ image: 'redis', url: 'x' })).toMatchObject({
      status: 400,
      body: { message: { url: ['must be a valid URL'] } },
    });
  });

  test('what cannot be an upstream is not tested', async () => {
    const { api, group } = await start();
    const refusals: [object, Json][] = [
      [{ error: 'url is missing' }, {}],
      [{ error: 'url is empty' }, { url: '' }],
      [{ message: { url: ['must be a valid URL'] } }, { url: 'x' }],
      [
        { error: 'username, password provide all or none of parameters' },
        { url: 'https://new.example', username: 'a' },
      ],
    ];
    for (const [body, given] of refusals) {
      expect(await api.ask('POST', ofGroup(group), given)).toMatchObject({ status: 400, body });
    }
    expect(api.tested).toEqual([]);
  });

  test.each([
    ['what is stored, where nothing is said', {}, 'https://hub.example', { username: 'a', password: 'b' }],
    [
      'what is stored, for the same URL',
      { url: 'https://hub.example/' },
      'https://hub.example',
      { username: 'a', password: 'b' },
    ],
    ['nothing, for another URL', { url: 'https://evil.example' }, 'https://evil.example', undefined],
    [
      'the stored pair, for its username alone',
      { username: 'a' },
      'https://hub.example',
      { username: 'a', password: 'b' },
    ],
    [
      'the stored pair, for its username and no password',
      { username: 'a', password: '' },
      'https://hub.example',
      { username: 'a', password: 'b' },
    ],
    [
      'the given pair',
      { username: 'c', password: 'd' },
      'https://hub.example',
      { username: 'c', password: 'd' },
    ],
    [
      'the given pair, for another URL',
      { url: 'https://new.example', username: 'c', password: 'd' },
      'https://new.example',
      { username: 'c', password: 'd' },
    ],
  ])('a stored upstream is tested with %s', async (_title, given, url, credentials) => {
    const { api, id } = await start();
    expect(await api.ask('POST', ofUpstream(id), given)).toMatchObject({ status: 200 });
    expect(api.tested.map(({ settings }) => [settings.url, settings.credentials])).toEqual([
      [url, credentials],
    ]);
  });

  test('what a stored upstream cannot become is not tested', async () => {
    const { api, id } = await start();
    const refusals: [object, Json][] = [
      [{ error: 'url is empty' }, { url: '' }],
      [{ message: { password: ["can't be blank"] } }, { username: 'other' }],
      [{ message: { username: ["can't be blank"] } }, { password: 'other' }],
      [
        { message: { password: ["can't be blank"] } },
        { url: 'https://evil.example', username: 'a', password: '' },
      ],
    ];
    for (const [body, given] of refusals) {
      expect(await api.ask('POST', ofUpstream(id), given)).toMatchObject({ status: 400, body });
    }
    expect(api.tested).toEqual([]);
  });

  test('an upstream is asked for what it had before', async () => {
    const { api, group, id } = await start();
    const payload = Buffer.from('{}');
    await api.database.cacheEntries.saveManifest(
      {
        groupId: group,
        upstreamId: id,
        kind: 'manifest',
        repository: parseRepositoryName('team/tool'),
        reference: '1.0',
        digest: digestOf(payload),
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        etag: undefined,
        checkedAt: clock.now,
      },
      payload,
      [],
    );
    await api.ask('POST', ofUpstream(id));
    expect(api.tested.at(-1)?.path).toBe('team/tool/manifests/1.0');
  });

  test('only maintainers test, and only administrators in private networks', async () => {
    const { api, group, id } = await start();
    const developer = await api.createMember(group, 'developer', 30);
    const maintainer = await api.createMember(group, 'maintainer', 40);
    const inside = { url: 'https://new.example', allow_private_network: true };
    expect(await api.as(developer, 'POST', ofGroup(group), { url: 'https://new.example' })).toMatchObject({
      status: 403,
    });
    expect(await api.as(developer, 'POST', ofUpstream(id))).toMatchObject({ status: 403 });
    const trial = { url: 'https://new.example', image: 'redis' };
    expect(await api.as(developer, 'POST', patternsOf(group), trial)).toMatchObject({ status: 403 });
    expect(await api.as(maintainer, 'POST', ofUpstream(id))).toMatchObject({ status: 200 });
    expect(await api.as(maintainer, 'POST', ofGroup(group), inside)).toMatchObject({ status: 403 });

    expect(await api.ask('POST', ofGroup(group), inside)).toMatchObject({ status: 200 });
    expect(api.tested.at(-1)?.settings.allowPrivateNetwork).toBe(true);
  });

  test('a token service is looked for where it was said of this URL, or is said now', async () => {
    const { api, group } = await start();
    const registry = await api.createRegistry(group, 'outside');
    const { id } = await api.createUpstream(registry, 'outside', { token_host: 'sso.example' });
    const url = 'https://new.example';
    await api.ask('POST', ofUpstream(id));
    await api.ask('POST', ofUpstream(id), { url });
    await api.ask('POST', ofUpstream(id), { token_host: 'auth.example' });
    await api.ask('POST', ofUpstream(id), { token_host: null });
    await api.ask('POST', ofGroup(group), { url, token_host: 'Auth.example' });
    await api.ask('POST', ofGroup(group), { url });
    expect(api.tested.map(({ settings }) => settings.tokenHost)).toEqual([
      'sso.example',
      undefined,
      'auth.example',
      undefined,
      'auth.example',
      undefined,
    ]);
  });

  test('what is allowed of one URL is not allowed of another', async () => {
    const { api, group } = await start();
    const registry = await api.createRegistry(group, 'inside');
    const fields = { url: 'http://10.0.0.1', allow_private_network: true };
    const { id } = await api.createUpstream(registry, 'inside', fields);
    const maintainer = await api.createMember(group, 'maintainer', 40);
    await api.as(maintainer, 'POST', ofUpstream(id));
    await api.as(maintainer, 'POST', ofUpstream(id), { url: 'http://10.0.0.2' });
    expect(api.tested.map(({ settings }) => settings.allowPrivateNetwork)).toEqual([true, false]);
  });
});
