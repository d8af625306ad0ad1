import { expect, test } from 'vitest';
import type { Database } from '../../src/metadata/db/database.ts';
import { MissingOwner } from '../../src/metadata/db/violations.ts';
import { describeEachDatabase } from '../support/databases.ts';

const all = { page: 1, perPage: 100 };

describeEachDatabase('records of virtual registries', (open, { clock, createPlace }) => {
  test('a registry is created, changed and removed, its name unique in its group', async () => {
    const database = await open();
    const { virtualRegistries } = database;
    const [group, other] = [await createGroup(database, 'a'), await createGroup(database, 'b')];
    const registry = await virtualRegistries.create({ groupId: group, name: 'hub', description: 'for CI' });
    expect(registry).toEqual({
      id: registry.id,
      groupId: group,
      name: 'hub',
      description: 'for CI',
      anonymousPull: false,
      createdAt: clock.now,
      updatedAt: clock.now,
    });
    expect(await virtualRegistries.find(registry.id)).toEqual(registry);
    const taken = { name: 'UniqueViolation', constraint: 'virtual_registries_group_id_name' };
    await expect(virtualRegistries.create({ groupId: group, name: 'hub' })).rejects.toMatchObject(taken);
    const second = await virtualRegistries.create({ groupId: group, name: 'second' });
    await expect(virtualRegistries.update(second.id, { name: 'hub' })).rejects.toMatchObject(taken);
    await virtualRegistries.create({ groupId: other, name: 'hub' });
    await expect(virtualRegistries.create({ groupId: 99, name: 'hub' })).rejects.toThrow(MissingOwner);

    clock.now += 1000;
    const changed = await virtualRegistries.update(registry.id, { description: null });
    expect(changed).toEqual({ ...registry, description: undefined, updatedAt: clock.now });
    expect(await virtualRegistries.update(registry.id, { anonymousPull: true })).toMatchObject({
      anonymousPull: true,
    });
    expect(await virtualRegistries.update(registry.id, { name: 'hub' })).toMatchObject({
      anonymousPull: true,
    });
    await virtualRegistries.update(registry.id, { anonymousPull: false });
    expect(await virtualRegistries.update(99, { name: 'x' })).toBeUndefined();
    expect(await virtualRegistries.list(group)).toEqual([changed, second]);
    expect(await virtualRegistries.count(group)).toBe(2);
    expect(await virtualRegistries.remove(registry.id)).toBe(true);
    expect(await virtualRegistries.remove(registry.id)).toBe(false);
    expect(await virtualRegistries.count(group)).toBe(1);
  });

  test('an upstream keeps all its settings, and changes only where told', async () => {
    const database = await open();
    const groupId = await createGroup(database, 'a');
    const settings = {
      groupId,
      url: 'https://registry-1.docker.io',
      name: 'Docker Hub',
      description: 'official images',
      username: 'ci',
      passwordSealed: 'sealed',
      cacheValidityHours: 24,
      allowPatterns: ['library/*', 'a "quoted" one'],
      denyPatterns: ['**/evil'],
      allowPrivateNetwork: true,
      proxy: 'http://proxy.corp:3128',
      caCertificate: 'authorities',
      clientCertificate: 'certificate',
      tlsVerify: false,
      headerNames: ['x-key'],
      networkSealed: 'sealed too',
    };
    const anyAge = {
      minAgeHours: 0,
      minAgeExemptPatterns: [],
      minAgeExemptDigests: false,
      minAgeTrustCreated: false,
    };
    const upstream = await database.upstreams.create(settings);
    expect((await database.upstreams.listUnverified()).map(({ id }) => id)).toEqual([upstream.id]);
    expect(upstream).toEqual({
      ...anyAge,
      ...settings,
      id: upstream.id,
      createdAt: clock.now,
      updatedAt: clock.now,
    });
    expect(await database.upstreams.find(upstream.id)).toEqual(upstream);
    const changed = await database.upstreams.update(upstream.id, {
      url: 'https://quay.io',
      username: null,
      passwordSealed: null,
      allowPatterns: [],
      allowPrivateNetwork: false,
    });
    expect(changed).toEqual({
      ...upstream,
      url: 'https://quay.io',
      username: undefined,
      passwordSealed: undefined,
      allowPatterns: [],
      allowPrivateNetwork: false,
      updatedAt: upstream.updatedAt + 1,
    });
    expect(await database.upstreams.update(99, { name: 'x' })).toBeUndefined();
  });

  test('each change of an upstream is seen in its time, even when the clock stands still or goes back', async () => {
    const database = await open();
    const { id, updatedAt } = await createUpstream(database, await createGroup(database, 'a'), 'Quay');
    expect((await database.upstreams.update(id, { name: 'b' }))?.updatedAt).toBe(updatedAt + 1);
    clock.now -= 5000;
    expect((await database.upstreams.update(id, { name: 'c' }))?.updatedAt).toBe(updatedAt + 2);
    clock.now += 50_000;
    expect((await database.upstreams.update(id, { name: 'd' }))?.updatedAt).toBe(clock.now);
  });

  test('upstreams of a group are found by part of their name, in pages, and by URL', async () => {
    const database = await open();
    const group = await createGroup(database, 'a');
    for (const name of ['Docker Hub', 'Quay', 'hub_mirror', 'hubXmirror'])
      await createUpstream(database, group, name);
    await createUpstream(database, await createGroup(database, 'b'), 'hub of others');
    const names = async (name: string | undefined, page = all) => {
      const { records, total } = await database.upstreams.list(group, name, page);
      return { names: records.map((upstream) => upstream.name), total };
    };
    expect(await names(undefined)).toEqual({
      names: ['Docker Hub', 'Quay', 'hub_mirror', 'hubXmirror'],
      total: 4,
    });
    expect(await names('HUB', { page: 2, perPage: 2 })).toEqual({ names: ['hubXmirror'], total: 3 });
    expect(await names('b_m')).toEqual({ names: ['hub_mirror'], total: 1 });
    expect(await names('%')).toEqual({ names: [], total: 0 });
    expect(await database.upstreams.listByUrl(group, 'https://Quay.example')).toMatchObject([
      { name: 'Quay' },
    ]);
    expect(await database.upstreams.listByUrl(group, 'https://quay')).toEqual([]);
  });

  test('associations are appended at the end, once each', async () => {
    const database = await open();
    const { registry, upstreams } = await createRegistry(database, 3);
    expect(await orderOf(database, registry)).toEqual(upstreams);
    expect((await database.registryUpstreams.list(registry)).map((link) => link.position)).toEqual([1, 2, 3]);
    const [first = 0] = upstreams;
    await expect(database.registryUpstreams.append(registry, first)).rejects.toMatchObject({
      constraint: 'registry_upstreams_registry_id_upstream_id',
    });
    await expect(database.registryUpstreams.append(registry, 999)).rejects.toThrow(MissingOwner);
    await expect(database.registryUpstreams.append(999, first)).rejects.toThrow(MissingOwner);
    const [link] = await database.registryUpstreams.listByUpstream(first);
    expect(await database.registryUpstreams.find(link?.id ?? 0)).toEqual(link);
  });

  test('whichever association is moved wherever, positions stay without gaps and the others keep their order', async () => {
    const database = await open();
    const { registry } = await createRegistry(database, 4);
    for (const from of [1, 2, 3, 4]) {
      for (const [asked, to] of [
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 4],
        [20, 4],
      ] as const) {
        const before = await database.registryUpstreams.list(registry);
        const link = before[from - 1];
        if (!link) throw new Error('no such position');
        const expected = before.map((each) => each.id).filter((id) => id !== link.id);
        expected.splice(to - 1, 0, link.id);
        expect(await database.registryUpstreams.move(link.id, asked)).toEqual({ ...link, position: to });
        const after = await database.registryUpstreams.list(registry);
        expect(
          after.map((each) => each.id),
          `${from} to ${asked}`,
        ).toEqual(expected);
        expect(after.map((each) => each.position)).toEqual([1, 2, 3, 4]);
      }
    }
    expect(await database.registryUpstreams.move(999, 1)).toBeUndefined();
  });

  test('removing an association moves up those behind it and leaves the upstream', async () => {
    const database = await open();
    const { registry, upstreams } = await createRegistry(database, 3);
    const [, second] = await database.registryUpstreams.list(registry);
    expect(await database.registryUpstreams.remove(second?.id ?? 0)).toBe(true);
    expect(await database.registryUpstreams.remove(second?.id ?? 0)).toBe(false);
    expect(await orderOf(database, registry)).toEqual([upstreams[0], upstreams[2]]);
    expect((await database.registryUpstreams.list(registry)).map((link) => link.position)).toEqual([1, 2]);
    expect(await database.upstreams.find(upstreams[1] ?? 0)).toBeDefined();
  });

  test('positions stay without gaps when several change them at once', async () => {
    const place = await createPlace();
    const databases = [await open(place), await open(place)];
    const [database = await open(place)] = databases;
    const { registry, group } = await createRegistry(database, 3);
    const more = await Promise.all(
      Array.from({ length: 6 }, (_, index) => createUpstream(database, group, `more ${index}`)),
    );
    const links = await database.registryUpstreams.list(registry);
    await Promise.all([
      ...more.map(({ id }, index) => databases[index % 2]?.registryUpstreams.append(registry, id)),
      ...links.map(({ id }, index) => databases[index % 2]?.registryUpstreams.move(id, 3 - index)),
      databases[1]?.registryUpstreams.remove(links[1]?.id ?? 0),
    ]);
    const positions = (await database.registryUpstreams.list(registry)).map((link) => link.position);
    expect(positions).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('removing an upstream takes it out of every registry without gaps', async () => {
    const database = await open();
    const { registry, group, upstreams } = await createRegistry(database, 3);
    const [first = 0, second = 0, third = 0] = upstreams;
    const other = await database.virtualRegistries.create({ groupId: group, name: 'other' });
    for (const id of [third, first, second]) await database.registryUpstreams.append(other.id, id);
    expect(await database.upstreams.remove(first)).toBe(true);
    expect(await database.upstreams.remove(first)).toBe(false);
    expect(await orderOf(database, registry)).toEqual([second, third]);
    expect(await orderOf(database, other.id)).toEqual([third, second]);
    for (const id of [registry, other.id]) {
      expect((await database.registryUpstreams.list(id)).map((link) => link.position)).toEqual([1, 2]);
    }
  });

  test('upstreams of a registry come in their order, with their association', async () => {
    const database = await open();
    const { registry, upstreams } = await createRegistry(database, 3);
    const [, , last] = await database.registryUpstreams.list(registry);
    await database.registryUpstreams.move(last?.id ?? 0, 1);
    const listed = await database.upstreams.listByRegistry(registry);
    expect(listed.map((upstream) => upstream.id)).toEqual([upstreams[2], upstreams[0], upstreams[1]]);
    expect(listed[0]).toEqual({
      ...(await database.upstreams.find(upstreams[2] ?? 0)),
      registryUpstream: { ...last, position: 1 },
    });
  });

  test('removing what a registry uses alone leaves what others share', async () => {
    const database = await open();
    const { registry, group, upstreams } = await createRegistry(database, 3);
    const [first = 0, shared = 0, third = 0] = upstreams;
    const other = await database.virtualRegistries.create({ groupId: group, name: 'other' });
    await database.registryUpstreams.append(other.id, shared);
    const unused = await createUpstream(database, group, 'unused');
    expect((await database.upstreams.listExclusive(registry)).map((upstream) => upstream.id)).toEqual([
      first,
      third,
    ]);
    const removed = await database.upstreams.removeExclusive(registry);
    expect(removed.map((upstream) => upstream.id)).toEqual([first, third]);
    await database.virtualRegistries.remove(registry);
    expect(
      (await database.upstreams.list(group, undefined, all)).records.map((upstream) => upstream.id),
    ).toEqual([shared, unused.id]);
    expect(await orderOf(database, other.id)).toEqual([shared]);
  });

  test('a limit that is counted while the group is held cannot be passed by two at once', async () => {
    const place = await createPlace();
    const databases = [await open(place), await open(place)];
    const [database = await open(place)] = databases;
    const group = await createGroup(database, 'a');
    const create = (each: Database, name: string) =>
      each.transaction(async (tx) => {
        expect(await tx.groups.hold(group)).toBe(true);
        if ((await tx.virtualRegistries.count(group)) >= 2) throw new Error('two is the limit');
        return tx.virtualRegistries.create({ groupId: group, name });
      });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, index) => create(databases[index % 2] ?? database, `registry ${index}`)),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(2);
    expect(await database.virtualRegistries.count(group)).toBe(2);
    expect(await database.groups.hold(999)).toBe(false);
  });

  test('a transaction changes all or nothing, across aggregates', async () => {
    const database = await open();
    const group = await createGroup(database, 'a');
    const failed = database.transaction(async (tx) => {
      const registry = await tx.virtualRegistries.create({ groupId: group, name: 'hub' });
      const upstream = await createUpstream(tx, group, 'Quay');
      await tx.registryUpstreams.append(registry.id, upstream.id);
      await tx.auditEvents.add({
        actorName: 'ada',
        action: 'x',
        targetId: '1',
        details: {},
      });
      expect(await tx.virtualRegistries.count(group)).toBe(1);
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    expect(await database.virtualRegistries.count(group)).toBe(0);
    expect((await database.upstreams.list(group, undefined, all)).total).toBe(0);
    expect((await database.auditEvents.list({}, all)).total).toBe(0);

    const id = await database.transaction(async (tx) => (await createUpstream(tx, group, 'Quay')).id);
    expect(await database.upstreams.find(id)).toMatchObject({ name: 'Quay' });
  });
});

type Some = Pick<Database, 'groups' | 'upstreams' | 'registryUpstreams' | 'virtualRegistries'>;

async function createGroup({ groups }: Pick<Some, 'groups'>, path: string): Promise<number> {
  return (await groups.create({ name: path, path, fullPath: path, visibility: 'private' })).id;
}

function createUpstream({ upstreams }: Pick<Some, 'upstreams'>, groupId: number, name: string) {
  return upstreams.create({
    groupId,
    url: `https://${name}.example`,
    name,
    cacheValidityHours: 24,
    allowPatterns: [],
    denyPatterns: [],
    allowPrivateNetwork: false,
  });
}

async function createRegistry(database: Some, size: number) {
  const group = await createGroup(database, 'base');
  const registry = (await database.virtualRegistries.create({ groupId: group, name: 'hub' })).id;
  const upstreams: number[] = [];
  for (let count = 1; count <= size; count += 1) {
    const { id } = await createUpstream(database, group, `upstream ${count}`);
    await database.registryUpstreams.append(registry, id);
    upstreams.push(id);
  }
  return { group, registry, upstreams };
}

async function orderOf(
  { registryUpstreams }: Pick<Some, 'registryUpstreams'>,
  registry: number,
): Promise<number[]> {
  return (await registryUpstreams.list(registry)).map((link) => link.upstreamId);
}
