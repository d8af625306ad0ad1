import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Passwords } from '../../../../src/auth/credentials/passwords.ts';
import { RefusedError } from '../../../../src/management/acting/refused-error.ts';
import { from, IdentityServices, start } from '../identity-services.ts';

let services: IdentityServices;
const page = { page: 1, perPage: 20 };

beforeEach(async () => {
  services = await IdentityServices.open(() => start);
});

afterEach(() => services.database.close());

describe('creating', () => {
  test('an administrator creates users, in lower case, with or without a password', async () => {
    const { users, root, database } = services;
    const input = {
      username: 'Dana',
      name: 'Dana D.',
      email: 'dana@example.com',
      password: 'correct horse',
      isAdmin: false,
    };
    const dana = await users.create(root, input);
    expect(dana).toEqual({
      id: dana.id,
      username: 'dana',
      name: 'Dana D.',
      state: 'active',
      isBot: false,
      createdAt: start,
      details: { email: 'dana@example.com', isAdmin: false },
    });
    const { passwordHash } = (await database.users.find(dana.id)) ?? {};
    expect(await new Passwords().verify('correct horse', passwordHash)).toBe(true);
    const robot = await users.create(root, { username: 'robot', name: 'Robot', isAdmin: true });
    expect((await database.users.find(robot.id))?.passwordHash).toBeUndefined();
  });

  test('leaves an audit event without the password', async () => {
    const { users, root, database } = services;
    const { id } = await users.create(root, {
      username: 'dana',
      name: 'Dana',
      password: 'correct horse',
      isAdmin: false,
    });
    expect(await services.auditTrail()).toContain(`root user.create ${id} ${from}`);
    expect(JSON.stringify(await database.auditEvents.list({}, page))).not.toContain('horse');
  });

  test('is for administrators whose token is for it', async () => {
    const { users, root } = services;
    const { actor } = await services.actor('dana');
    const input = { username: 'eve', name: 'Eve', isAdmin: true };
    await expect(users.create(actor, input)).rejects.toMatchObject({ kind: 'forbidden' });
    const identity = { ...root.identity, scopes: ['read_api'] } as typeof root.identity;
    await expect(users.create({ ...root, identity }, input)).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(
      users.create({ identity: { kind: 'anonymous' }, address: from }, input),
    ).rejects.toMatchObject({
      kind: 'unauthorized',
    });
  });

  test.each(['', 'da na', '-dana', 'dana.', 'dana/eve', 'dänä', 'a:b'])(
    'a username is not %j',
    async (username) => {
      const creation = services.users.create(services.root, { username, name: 'Dana', isAdmin: false });
      await expect(creation).rejects.toMatchObject({
        kind: 'invalid',
        faults: { username: [expect.any(String)] },
      });
    },
  );

  test('a username is taken once, whatever its case, and a password is long enough', async () => {
    const { users, root } = services;
    const input = { username: 'ROOT', name: 'Another', isAdmin: false };
    await expect(users.create(root, input)).rejects.toEqual(
      new RefusedError('conflict', 'Username has already been taken'),
    );
    await expect(users.create(root, { ...input, username: 'dana', password: 'short' })).rejects.toMatchObject(
      {
        kind: 'invalid',
        faults: { password: [expect.stringContaining('too short')] },
      },
    );
  });
});

describe('looking', () => {
  test('everyone sees who there is; e-mail and administration show to themselves and administrators', async () => {
    const { users, root, rootId } = services;
    const { actor, id } = await services.actor('dana');
    expect((await users.get(actor, id)).details).toEqual({ email: undefined, isAdmin: false });
    expect((await users.get(actor, rootId)).details).toBeUndefined();
    expect((await users.get(root, id)).details).toBeDefined();
    const { records, total } = await users.list(actor, {}, page);
    expect([records.map(({ username }) => username), total]).toEqual([['root', 'dana'], 2]);
    expect(Object.keys(records[0] ?? {})).not.toContain('passwordHash');
  });

  test('users are found by username or by part of a name', async () => {
    const { users, root } = services;
    await services.actor('dana');
    const find = async (filter: { username?: string; search?: string }) =>
      (await users.list(root, filter, page)).records.map(({ username }) => username);
    expect(await find({ username: 'Dana' })).toEqual(['dana']);
    expect(await find({ username: 'dan' })).toEqual([]);
    expect(await find({ search: 'dan' })).toEqual(['dana']);
  });

  test('who is not there is not found', async () => {
    await expect(services.users.get(services.root, 99)).rejects.toEqual(
      new RefusedError('not-found', 'User'),
    );
  });
});

describe('blocking', () => {
  test('blocks and unblocks, and says so in the audit trail once', async () => {
    const { users, root, database } = services;
    const { id } = await services.actor('dana');
    await users.block(root, id);
    await users.block(root, id);
    expect((await database.users.find(id))?.state).toBe('blocked');
    await users.unblock(root, id);
    expect((await database.users.find(id))?.state).toBe('active');
    expect((await services.auditTrail()).slice(0, 2)).toEqual([
      `root user.unblock ${id} ${from}`,
      `root user.block ${id} ${from}`,
    ]);
  });

  test('is for administrators, and never of oneself', async () => {
    const { users, root, rootId } = services;
    const { actor } = await services.actor('dana');
    await expect(users.block(actor, rootId)).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(users.block(root, rootId)).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(users.block(root, 99)).rejects.toMatchObject({ kind: 'not-found' });
  });
});
