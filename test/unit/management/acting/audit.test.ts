import { expect, test } from 'vitest';
import type { Identity } from '../../../../src/auth/rights/identity.ts';
import { recordChange } from '../../../../src/management/acting/audit.ts';
import { from, IdentityServices, start } from '../identity-services.ts';

const token = {
  kind: 'registry-token',
  subject: 'ada',
  principal: undefined,
  access: [],
  refused: [],
} as const;

test.each<[Identity, { actorId: number | undefined; actorName: string }]>([
  [
    { kind: 'user', userId: 7, username: 'ada', isAdmin: false, scopes: 'all' },
    { actorId: 7, actorName: 'ada' },
  ],
  [
    { ...token, principal: { kind: 'user', userId: 7 } },
    { actorId: 7, actorName: 'ada' },
  ],
  [token, { actorId: undefined, actorName: 'ada' }],
  [{ kind: 'anonymous' }, { actorId: undefined, actorName: 'anonymous' }],
])('an audit event names who it was: %j', async (identity, author) => {
  const { database } = await IdentityServices.open(() => start);
  const change = { action: 'thing.update', targetId: 4, details: {} };
  await recordChange(database, { identity, address: from }, change);
  const { records } = await database.auditEvents.list({ targetType: 'thing' }, { page: 1, perPage: 10 });
  expect(records).toMatchObject([{ ...author, address: from, action: 'thing.update', targetId: '4' }]);
});
