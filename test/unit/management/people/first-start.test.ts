import { afterEach, beforeEach, expect, test } from 'vitest';
import { Passwords } from '../../../../src/auth/credentials/passwords.ts';
import { hashToken } from '../../../../src/auth/tokens/token-secret.ts';
import { type FirstStart, prepareFirstStart } from '../../../../src/management/people/first-start.ts';
import { type Database, openDatabase } from '../../../../src/metadata/db/database.ts';
import { silentLog } from '../../../support/silent-log.ts';

const passwords = new Passwords();
const all = { page: 1, perPage: 100 };
let database: Database;

beforeEach(async () => {
  database = await openDatabase({
    url: undefined,
    file: ':memory:',
    log: silentLog,
    now: () => 1_772_000_000_000,
  });
});

afterEach(() => database.close());

/** What was announced. */
async function firstStart(
  secrets: { rootToken?: string; rootPassword?: string } = {},
): Promise<FirstStart | undefined> {
  let announced: FirstStart | undefined;
  const none = { rootToken: undefined, rootPassword: undefined };
  const announce = async (first: FirstStart) => {
    announced = first;
  };
  await prepareFirstStart({ database, passwords, ...none, ...secrets, announce });
  return announced;
}

test('the first start makes root, a private group and virtual registry 1 that pulls from Docker Hub', async () => {
  await firstStart();
  const root = await database.users.findByUsername('root');
  expect(root).toMatchObject({ isAdmin: true, state: 'active' });
  const group = await database.groups.findByPath('default');
  expect(group).toMatchObject({ visibility: 'private', parentId: undefined });
  const registry = await database.virtualRegistries.find(1);
  expect(registry).toMatchObject({ groupId: group?.id, name: 'default' });
  expect(await database.upstreams.listByRegistry(1)).toMatchObject([
    {
      name: 'Docker Hub',
      url: 'https://registry-1.docker.io',
      cacheValidityHours: 24,
      username: undefined,
      allowPatterns: [],
      denyPatterns: [],
      allowPrivateNetwork: false,
      registryUpstream: { position: 1 },
    },
  ]);
  expect(await database.members.find({ groupId: group?.id ?? 0 }, root?.id ?? 0)).toMatchObject({
    accessLevel: 50,
  });
});

test("root's token and password are made and told once, and recorded as hashes", async () => {
  const told = await firstStart();
  expect(told).toEqual({
    username: 'root',
    token: expect.stringMatching(/^ent-[\w-]{32}$/),
    password: expect.stringMatching(/^[\w-]{20}$/),
    registryId: 1,
  });
  const root = await database.users.findByUsername('root');
  expect(await passwords.verify(told?.password ?? '', root?.passwordHash)).toBe(true);
  const token = await database.accessTokens.findByHash(hashToken(told?.token ?? ''));
  expect(token).toMatchObject({ scopes: ['api', 'read_virtual_registry'], expiresAt: undefined });
});

test('root is made once its token was shown: a start that ends before leaves nothing, and the next one tells another', async () => {
  const rootToken = undefined;
  const announce = () => Promise.reject(new Error('the process ends here'));
  const ended = prepareFirstStart({ database, passwords, rootToken, rootPassword: undefined, announce });
  await expect(ended).rejects.toThrow('ends here');
  expect(await database.users.findByUsername('root')).toBeUndefined();
  expect(await firstStart()).toMatchObject({ token: expect.stringMatching(/^ent-/) });
});

test('a token that the operator gave is used and not told, and a password too', async () => {
  const rootToken = 'given-by-the-operator';
  expect(await firstStart({ rootToken, rootPassword: 'correct horse' })).toEqual({
    username: 'root',
    token: undefined,
    password: undefined,
    registryId: 1,
  });
  expect(await database.accessTokens.findByHash(hashToken(rootToken))).toBeDefined();
  const root = await database.users.findByUsername('root');
  expect(await passwords.verify('correct horse', root?.passwordHash)).toBe(true);
});

test('whoever gave a token alone is told no secret: root has no password then', async () => {
  expect(await firstStart({ rootToken: 'given-by-the-operator' })).toMatchObject({ password: undefined });
  expect((await database.users.findByUsername('root'))?.passwordHash).toBeUndefined();
});

test('a password that the operator gave is not told beside the token that was made', async () => {
  const told = await firstStart({ rootPassword: 'correct horse' });
  expect(told).toMatchObject({ token: expect.stringMatching(/^ent-/), password: undefined });
});

test('later starts make nothing, tell nothing, and change neither token nor password', async () => {
  const told = await firstStart();
  expect(
    await firstStart({ rootToken: 'another-token-of-root', rootPassword: 'battery staple' }),
  ).toBeUndefined();
  expect((await database.users.list(undefined, all)).total).toBe(1);
  expect((await database.accessTokens.list({}, all)).total).toBe(1);
  expect(await database.accessTokens.findByHash(hashToken(told?.token ?? ''))).toBeDefined();
  const root = await database.users.findByUsername('root');
  expect(await passwords.verify(told?.password ?? '', root?.passwordHash)).toBe(true);
});

test('what it made is in the audit trail, without secrets', async () => {
  const told = await firstStart({ rootPassword: 'correct horse' });
  const { records } = await database.auditEvents.list({}, all);
  expect(records.map(({ action }) => action).toSorted()).toEqual([
    'group.create',
    'personal_access_token.create',
    'upstream.create',
    'user.create',
    'virtual_registry.create',
  ]);
  expect(JSON.stringify(records)).not.toContain(told?.token);
  expect(JSON.stringify(records)).not.toContain('horse');
});
