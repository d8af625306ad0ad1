import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Actor } from '../../../../src/management/acting/actor.ts';
import { from, IdentityServices, start } from '../identity-services.ts';

const page = { page: 1, perPage: 20 };
const place = { kind: 'group', reference: 'default' } as const;
const roles = [10, 15, 20, 30, 40, 50];
let now = start;
let services: IdentityServices;

beforeEach(async () => {
  now = start;
  services = await IdentityServices.open(() => now);
});

afterEach(() => services.database.close());

/** A new user with this role in the group `default`. */
async function member(username: string, accessLevel: number): Promise<{ actor: Actor; id: number }> {
  const user = await services.actor(username);
  await services.members.add(services.root, place, { userId: user.id, accessLevel });
  return user;
}

test('members are listed with their roles, for who may see the group', async () => {
  const { members, root, rootId } = services;
  const guest = await member('dana', 10);
  const stranger = await services.actor('eve');
  const expected = [
    { userId: rootId, username: 'root', accessLevel: 50 },
    { userId: guest.id, username: 'dana', accessLevel: 10, state: 'active', expiresAt: undefined },
  ];
  for (const actor of [root, guest.actor]) {
    const { records, total } = await members.list(actor, place, page);
    expect(records).toMatchObject(expected);
    expect(total).toBe(2);
  }
  expect(await members.get(guest.actor, { ...place, reference: '1' }, rootId)).toMatchObject({
    username: 'root',
  });
  await expect(members.list(stranger.actor, place, page)).rejects.toMatchObject({ kind: 'not-found' });
  await expect(members.get(root, place, 99)).rejects.toMatchObject({ kind: 'not-found' });
  await expect(members.list(root, { ...place, reference: 'nowhere' }, page)).rejects.toMatchObject({
    kind: 'not-found',
  });
});

describe('adding', () => {
  test.each([
    [10, []],
    [30, []],
    [40, [10, 15, 20, 30, 40]],
    [50, roles],
  ])('role %s may give %j', async (own, mayGive) => {
    const { actor } = await member('dana', own);
    const given: number[] = [];
    for (const accessLevel of roles) {
      const { id } = await services.actor(`user-${accessLevel}`);
      const added = services.members.add(actor, place, { userId: id, accessLevel });
      await added.then(
        () => given.push(accessLevel),
        (error) => expect(error).toMatchObject({ kind: 'forbidden' }),
      );
    }
    expect(given).toEqual(mayGive);
  });

  test('leaves an audit event', async () => {
    await member('dana', 10);
    expect((await services.auditTrail())[0]).toBe(`root member.create 1 ${from}`);
  });

  test('takes a user who is there, once, for a time to come', async () => {
    const { members, root } = services;
    const { id } = await member('dana', 10);
    const again = { userId: id, accessLevel: 20 };
    await expect(members.add(root, place, again)).rejects.toMatchObject({
      kind: 'conflict',
      detail: 'Member already exists',
    });
    await expect(members.add(root, place, { ...again, userId: 99 })).rejects.toMatchObject({
      kind: 'not-found',
      detail: 'User',
    });
    const { id: eve } = await services.actor('eve');
    await expect(
      members.add(root, place, { userId: eve, accessLevel: 10, expiresAt: start }),
    ).rejects.toMatchObject({
      kind: 'invalid',
    });
  });
});

describe('changing', () => {
  test('a Maintainer moves members among roles up to their own, and not an Owner', async () => {
    const { members, rootId } = services;
    const { actor } = await member('max', 40);
    const { id } = await member('dana', 10);
    expect(await members.update(actor, place, id, { accessLevel: 40 })).toMatchObject({
      accessLevel: 40,
    });
    await expect(members.update(actor, place, id, { accessLevel: 50 })).rejects.toMatchObject({
      kind: 'forbidden',
    });
    await expect(members.update(actor, place, rootId, { accessLevel: 10 })).rejects.toMatchObject({
      kind: 'forbidden',
    });
    await expect(members.update(actor, place, 99, { accessLevel: 10 })).rejects.toMatchObject({
      kind: 'not-found',
    });
  });

  test('an expiry stays unless it is given or cleared', async () => {
    const { members, root } = services;
    const { id } = await member('dana', 10);
    const expiresAt = start + 1000;
    expect(await members.update(root, place, id, { accessLevel: 20, expiresAt })).toMatchObject({
      expiresAt,
    });
    expect(await members.update(root, place, id, { accessLevel: 30 })).toMatchObject({ expiresAt });
    expect(await members.update(root, place, id, { accessLevel: 30, expiresAt: null })).toMatchObject({
      expiresAt: undefined,
    });
  });
});

describe('removing', () => {
  test('a Maintainer removes roles up to their own, and not an Owner', async () => {
    const { members, root, rootId } = services;
    const { actor } = await member('max', 40);
    const { id } = await member('dana', 40);
    await members.remove(actor, place, id);
    await expect(members.get(root, place, id)).rejects.toMatchObject({ kind: 'not-found' });
    await expect(members.remove(actor, place, rootId)).rejects.toMatchObject({ kind: 'forbidden' });
    expect((await services.auditTrail())[0]).toBe(`max member.delete 1 ${from}`);
  });

  test('everyone may leave, and a Guest can remove nobody else', async () => {
    const { members } = services;
    const { actor, id } = await member('dana', 10);
    const { id: other } = await member('eve', 10);
    await expect(members.remove(actor, place, other)).rejects.toMatchObject({ kind: 'forbidden' });
    await members.remove(actor, place, id);
    await expect(members.list(actor, place, page)).rejects.toMatchObject({ kind: 'not-found' });
  });
});

test('a Maintainer whose time is over is nobody', async () => {
  const { members, root } = services;
  const { actor, id } = await services.actor('max');
  await members.add(root, place, { userId: id, accessLevel: 40, expiresAt: start + 1000 });
  const { id: dana } = await services.actor('dana');
  now += 1000;
  await expect(members.add(actor, place, { userId: dana, accessLevel: 10 })).rejects.toMatchObject({
    kind: 'not-found',
  });
});
