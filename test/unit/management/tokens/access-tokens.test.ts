import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashToken } from '../../../../src/auth/tokens/token-secret.ts';
import type { Actor } from '../../../../src/management/acting/actor.ts';
import { from, IdentityServices, start } from '../identity-services.ts';

const page = { page: 1, perPage: 20 };
const input = { name: 'ci', scopes: ['read_virtual_registry'] } as const;
let now = start;
let services: IdentityServices;

beforeEach(async () => {
  now = start;
  services = await IdentityServices.open(() => now);
});

afterEach(() => services.database.close());

/** The actor, come with one of their tokens. */
function withToken(actor: Actor, tokenId: number): Actor {
  if (actor.identity.kind !== 'user') throw new Error('not a user');
  return { ...actor, identity: { ...actor.identity, scopes: ['read_virtual_registry'], tokenId } };
}

test('a token is told when it is created, and only its hash is recorded', async () => {
  const { tokens, database } = services;
  const { actor, id } = await services.actor('dana');
  const { record, token } = await tokens.create(actor, id, { ...input, expiresAt: start + 1 });
  expect(token).toMatch(/^ent-[\w-]{32}$/);
  expect(record).toMatchObject({ userId: id, ...input, expiresAt: start + 1, createdAt: start });
  expect(await database.accessTokens.findByHash(hashToken(token))).toEqual(record);
  expect(await services.auditTrail()).toContain(`dana personal_access_token.create ${record.id} ${from}`);
  expect(JSON.stringify(await database.auditEvents.list({}, page))).not.toContain(token);
});

test('a token cannot begin expired', async () => {
  const { tokens, root, rootId } = services;
  await expect(tokens.create(root, rootId, { ...input, expiresAt: start })).rejects.toMatchObject({
    kind: 'invalid',
    faults: { expires_at: [expect.any(String)] },
  });
});

test('only administrators make tokens for someone else, who must be there', async () => {
  const { tokens, root, rootId } = services;
  const { actor, id } = await services.actor('dana');
  expect((await tokens.create(root, id, input)).record.userId).toBe(id);
  await expect(tokens.create(actor, rootId, input)).rejects.toMatchObject({ kind: 'forbidden' });
  await expect(tokens.create(root, 99, input)).rejects.toMatchObject({ kind: 'not-found' });
});

test("everyone lists and reads their own tokens, administrators everyone's", async () => {
  const { tokens, root, rootId } = services;
  const { actor, id } = await services.actor('dana');
  const { record } = await tokens.create(actor, id, input);
  const idsOf = async (who: Actor, filter = {}) =>
    (await tokens.list(who, filter, page)).records.map((token) => token.id);
  expect(await idsOf(actor)).toEqual([record.id]);
  expect(await idsOf(root)).toEqual([record.id, 1]);
  expect(await idsOf(root, { userId: rootId })).toEqual([1]);
  expect(await tokens.get(actor, record.id)).toEqual(record);
  expect(await tokens.get(root, record.id)).toEqual(record);
  await expect(tokens.list(actor, { userId: rootId }, page)).rejects.toMatchObject({ kind: 'unauthorized' });
});

test('whether a token of someone else exists is told to administrators alone', async () => {
  const { tokens, root } = services;
  const { actor } = await services.actor('dana');
  for (const id of [1, 99]) {
    await expect(tokens.get(actor, id)).rejects.toMatchObject({ kind: 'unauthorized' });
    await expect(tokens.revoke(actor, id)).rejects.toMatchObject({ kind: 'unauthorized' });
  }
  await expect(tokens.get(root, 99)).rejects.toMatchObject({ kind: 'not-found' });
});

test('a token is revoked by its owner or an administrator, and the audit trail says so once', async () => {
  const { tokens, root } = services;
  const { actor, id } = await services.actor('dana');
  const [first, second] = [await tokens.create(actor, id, input), await tokens.create(actor, id, input)];
  await tokens.revoke(actor, first.record.id);
  await tokens.revoke(actor, first.record.id);
  await tokens.revoke(root, second.record.id);
  expect((await tokens.get(actor, first.record.id)).revokedAt).toBe(start);
  expect((await services.auditTrail()).slice(0, 2)).toEqual([
    `root personal_access_token.revoke ${second.record.id} ${from}`,
    `dana personal_access_token.revoke ${first.record.id} ${from}`,
  ]);
});

test('whoever holds a token sees and ends it, whatever it is for', async () => {
  const { tokens } = services;
  const { actor, id } = await services.actor('dana');
  const { record } = await tokens.create(actor, id, input);
  const holder = withToken(actor, record.id);
  expect(await tokens.getCurrent(holder)).toEqual(record);
  await tokens.revokeCurrent(holder);
  expect((await tokens.get(actor, record.id)).revokedAt).toBe(start);
  await expect(tokens.getCurrent(actor)).rejects.toMatchObject({ kind: 'bad-request' });
  await expect(tokens.revokeCurrent(actor)).rejects.toMatchObject({ kind: 'bad-request' });
});

test('tokens are listed by whether they can be used', async () => {
  const { tokens, root, rootId } = services;
  const expired = await tokens.create(root, rootId, { ...input, expiresAt: start + 1000 });
  const revoked = await tokens.create(root, rootId, input);
  await tokens.revoke(root, revoked.record.id);
  now += 1000;
  const idsOf = async (isActive: boolean) =>
    (await tokens.list(root, { isActive }, page)).records.map((token) => token.id);
  expect(await idsOf(true)).toEqual([1]);
  expect(await idsOf(false)).toEqual([revoked.record.id, expired.record.id]);
});
