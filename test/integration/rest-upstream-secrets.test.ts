import { describe, expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { RestApi } from '../support/rest-api.ts';

const ofRegistry = (id: number) => `/virtual_registries/container/registries/${id}/upstreams`;
const one = (id: number) => `/virtual_registries/container/upstreams/${id}`;

describeEachDatabase('what upstreams are trusted with', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('platform');
    return { api, group, registry: await api.createRegistry(group, 'base') };
  }

  describe('stored credentials', () => {
    test.each([
      ['one of them alone changes that one', { password: 'new' }, { username: 'a', password: 'new' }],
      ['both are changed', { username: 'c', password: 'd' }, { username: 'c', password: 'd' }],
      ['the same URL keeps them', { url: 'https://hub.example/v2/' }, { username: 'a', password: 'b' }],
      ['another URL drops them', { url: 'https://evil.example' }, undefined],
      ['another URL with one of them drops them', { url: 'https://evil.example', username: 'a' }, undefined],
      [
        'another URL with both takes those',
        { url: 'https://new.example', username: 'c', password: 'd' },
        { username: 'c', password: 'd' },
      ],
    ])('%s', async (_title, given, expected) => {
      const { api, registry } = await start();
      const { id } = await api.createUpstream(registry, 'hub', { username: 'a', password: 'b' });
      const { status, body } = await api.ask('PATCH', one(id), given);
      expect(status).toBe(200);
      expect(body.username).toBe(expected?.username ?? null);
      const stored = await api.database.upstreams.find(id);
      expect(stored && api.secrets.open(stored)).toEqual(expected);
      if (!expected) expect(stored?.passwordSealed).toBeUndefined();
    });
  });

  describe('private networks', () => {
    const inside = { url: 'http://10.0.0.1:5000', name: 'inside' };

    test('only administrators allow them, per upstream', async () => {
      const { api, group, registry } = await start();
      const maintainer = await api.createMember(group, 'maintainer', 40);
      const allowed = { ...inside, allow_private_network: true };
      expect(await api.as(maintainer, 'POST', ofRegistry(registry), allowed)).toMatchObject({ status: 403 });
      const { status, body } = await api.ask('POST', ofRegistry(registry), allowed);
      expect({ status, body }).toMatchObject({ status: 201, body: { allow_private_network: true } });
      const outside = await api.createUpstream(registry, 'outside');
      expect(
        await api.as(maintainer, 'PATCH', one(outside.id), { allow_private_network: true }),
      ).toMatchObject({ status: 403 });
      const sameAgain = { allow_private_network: true, name: 'renamed' };
      expect(await api.as(maintainer, 'PATCH', one(body.id), sameAgain)).toMatchObject({ status: 200 });
    });

    test('the permission does not go along to another URL, unless an administrator takes it there', async () => {
      const { api, group, registry } = await start();
      const maintainer = await api.createMember(group, 'maintainer', 40);
      const { id } = await api.createUpstream(registry, 'inside', { ...inside, allow_private_network: true });
      const elsewhere = { url: 'http://10.0.0.2' };
      expect(await api.as(maintainer, 'PATCH', one(id), elsewhere)).toMatchObject({ status: 400 });
      expect(
        await api.as(maintainer, 'PATCH', one(id), { ...elsewhere, allow_private_network: true }),
      ).toMatchObject({ status: 403 });
      expect(await api.ask('PATCH', one(id), elsewhere)).toMatchObject({
        status: 200,
        body: { url: 'http://10.0.0.2', allow_private_network: true },
      });
      expect(await api.as(maintainer, 'PATCH', one(id), { url: 'https://public.example' })).toMatchObject({
        status: 200,
        body: { allow_private_network: false },
      });
    });

    test('it cannot be taken away from an upstream that needs it', async () => {
      const { api, registry } = await start();
      const { id } = await api.createUpstream(registry, 'inside', { ...inside, allow_private_network: true });
      expect(await api.ask('PATCH', one(id), { allow_private_network: false })).toMatchObject({
        status: 400,
      });
    });

    test('allowed networks need no permission', async () => {
      const { api, registry } = await start();
      api.allowedNetworks.push('10.0.0.0/8');
      expect(await api.ask('POST', ofRegistry(registry), inside)).toMatchObject({ status: 201 });
    });
  });
});
