import { expect, test } from 'vitest';
import type { AuditEventFilter } from '../../src/metadata/server/audit-events.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { createProject } from '../support/hosted-records.ts';

const all = { page: 1, perPage: 100 };

describeEachDatabase('records of what was audited', (open, { clock }) => {
  test('audit events outlive those they are about, and are listed newest first by target', async () => {
    const { auditEvents, users } = await open();
    const user = await users.create({ username: 'ada', name: 'Ada', isAdmin: false });
    const event = {
      actorId: user.id,
      actorName: 'ada',
      action: 'upstream.update',
      targetId: '7',
    };
    await auditEvents.add({
      ...event,
      address: '192.0.2.1',
      details: { changed: ['url'], wasAt: { fullUrl: 'a' } },
    });
    await auditEvents.add({
      actorName: 'system',
      action: 'group.create',
      targetId: '7',
      details: {},
    });
    await users.remove(user.id);
    const { records, total } = await auditEvents.list({}, all);
    expect(total).toBe(2);
    expect(records.map((each) => each.action)).toEqual(['group.create', 'upstream.update']);
    expect(records[0]).toMatchObject({ actorId: undefined, address: undefined });
    expect(await auditEvents.list({ targetType: 'upstream', targetId: '7' }, all)).toEqual({
      total: 1,
      hasMore: false,
      records: [
        {
          ...event,
          targetType: 'upstream',
          id: records[1]?.id,
          at: clock.now,
          address: '192.0.2.1',
          details: { changed: ['url'], was_at: { fullUrl: 'a' } },
          groupPath: undefined,
          projectPath: undefined,
        },
      ],
    });
  });

  test('events of a group and all below it are found by its path, and stay when it is gone', async () => {
    const database = await open();
    const { auditEvents } = database;
    const project = await createProject(database, 'acme/team/shop');
    const add = (action: string, place: { groupPath?: string; projectPath?: string }) =>
      auditEvents.add({ actorName: 'ada', action, targetId: '1', details: {}, ...place });
    await add('top', { groupPath: 'acme' });
    await add('in project', { projectPath: 'acme/team/shop' });
    await add('subgroup', { groupPath: 'acme/team' });
    await add('beside', { groupPath: 'acme-too' });
    await add('nowhere', {});
    const top = await database.groups.findByPath('acme');
    await database.groups.remove(top?.id ?? 0);
    expect(await database.projects.find(project.id)).toBeUndefined();
    const actions = async (filter: AuditEventFilter) =>
      (await auditEvents.list(filter, all)).records.map((event) => event.action);
    expect(await actions({ groupPath: 'acme' })).toEqual(['subgroup', 'in project', 'top']);
    expect(await actions({ groupPath: 'acme/team' })).toEqual(['subgroup', 'in project']);
    expect(await actions({ projectPath: 'acme/team/shop' })).toEqual(['in project']);
    expect(await actions({ groupPath: 'acme/tea' })).toEqual([]);
    const [event] = (await auditEvents.list({ projectPath: 'acme/team/shop' }, all)).records;
    expect(event).toMatchObject({ groupPath: 'acme/team', projectPath: 'acme/team/shop' });
    expect(await auditEvents.list({ groupPath: 'acme' }, { page: 2, perPage: 2 })).toMatchObject({
      total: 3,
      records: [{ action: 'top' }],
    });
  });

  test('what comes to a path that others had before is known to be there since then, with all below it', async () => {
    const database = await open();
    const { auditEvents, groups, projects, relocations } = database;
    const project = await createProject(database, 'young/team/shop');
    const young = await groups.findByPath('young');
    const former = await createProject(database, 'acme/team/shop');
    const event = { actorName: 'ada', action: 'x.y', targetId: '1', details: {} };
    clock.now += 1000;
    await auditEvents.add({ ...event, projectPath: former.fullPath });
    await groups.remove((await groups.findByPath('acme'))?.id ?? 0);
    clock.now += 1000;
    await relocations.moveGroup(young?.id ?? 0, 'young', { parentId: null, path: 'acme', fullPath: 'acme' });
    const moved = await groups.findByPath('acme');
    expect(moved).toMatchObject({ id: young?.id, placedAt: clock.now, createdAt: clock.now - 2000 });
    expect(await groups.findByPath('acme/team')).toMatchObject({ placedAt: clock.now });
    expect(await projects.find(project.id)).toMatchObject({
      fullPath: 'acme/team/shop',
      placedAt: clock.now,
    });
    const filter = { groupPath: 'acme', createdAfter: moved?.placedAt };
    expect(await auditEvents.list(filter, all)).toEqual({ records: [], total: 0, hasMore: false });
  });

  test('events are found by who did what, from where and when', async () => {
    const { auditEvents } = await open();
    const start = clock.now;
    const add = (actorId: number, action: string, address: string) => {
      const event = { actorId, actorName: 'x', action, address, targetId: '1', details: {} };
      return auditEvents.add(event);
    };
    await add(1, 'session.create', '192.0.2.1');
    clock.now += 1000;
    await add(2, 'session.create', '192.0.2.2');
    clock.now += 1000;
    await add(1, 'session.delete', '192.0.2.2');
    const instants = async (filter: AuditEventFilter) =>
      (await auditEvents.list(filter, all)).records.map((event) => event.at - start);
    expect(await instants({ actorId: 1 })).toEqual([2000, 0]);
    expect(await instants({ action: 'session.create' })).toEqual([1000, 0]);
    expect(await instants({ address: '192.0.2.2' })).toEqual([2000, 1000]);
    expect(await instants({ createdAfter: start + 1000 })).toEqual([2000, 1000]);
    expect(await instants({ createdBefore: start + 1000 })).toEqual([1000, 0]);
    expect(await instants({ createdAfter: start + 1, createdBefore: start + 1999, actorId: 2 })).toEqual([
      1000,
    ]);
    expect(await instants({ createdAfter: start + 1, createdBefore: start + 1999, actorId: 1 })).toEqual([]);
  });
});
