import { expect, test } from 'vitest';
import { setupClients } from '../../src/management/setup/client-setups.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { RestApi } from '../support/rest-api.ts';

const path = (id: number, client: string) =>
  `/virtual_registries/container/registries/${id}/setup?client=${client}`;

describeEachDatabase('the set-up of a client', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('platform');
    const registry = await api.createRegistry(group, 'base');
    await api.createUpstream(registry, 'hub', { url: 'https://registry-1.docker.io' });
    return { api, group, registry };
  }

  test('is a text for whoever may see the virtual registry, and names it', async () => {
    const { api, group, registry } = await start();
    const guest = await api.createMember(group, 'guest', 10);
    for (const client of setupClients.filter((each) => each !== 'dockerd')) {
      const { status, body, headers } = await api.as(guest, 'GET', path(registry, client));
      expect([client, status, headers.get('content-type')]).toEqual([
        client,
        200,
        'text/plain; charset=utf-8',
      ]);
      expect(body).toContain(`virtual_registries/container/${registry}`);
    }
  });

  test('is refused where there is none', async () => {
    const { api, registry } = await start();
    const stranger = await api.createUser('stranger');
    expect(await api.as(stranger, 'GET', path(registry, 'docker'))).toMatchObject({ status: 404 });
    expect(await api.ask('GET', path(999, 'docker'))).toMatchObject({ status: 404 });
    expect(await api.ask('GET', path(registry, 'rkt'))).toMatchObject({ status: 400 });
    expect(await api.ask('GET', path(registry, ''))).toMatchObject({ status: 400 });
    const { status, body } = await api.ask('GET', path(registry, 'dockerd'));
    expect([status, body.message]).toEqual([409, expect.stringContaining('mirrors')]);
  });
});
