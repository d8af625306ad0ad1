import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Authentication } from '../../../../src/auth/credentials/authenticate.ts';
import { identifyUser } from '../../../../src/auth/credentials/identify-user.ts';
import { UserSessions } from '../../../../src/auth/credentials/sessions.ts';
import { SignInService } from '../../../../src/management/people/sign-in.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { IdentityServices, rootToken, start } from '../identity-services.ts';

const arrival = { address: undefined, log: silentLog, previous: undefined };
let services: IdentityServices;

beforeEach(async () => {
  services = await IdentityServices.open(() => start);
});

afterEach(() => services.database.close());

/** @param authenticate what becomes of the credentials */
function signIn(authenticate: () => Promise<Authentication>): SignInService {
  const { sessions, users } = services.database;
  return new SignInService({
    authenticator: { authenticate },
    sessions: new UserSessions({ sessions, users, now: () => start }),
    oidc: undefined,
    observer: { signedIn: () => undefined, refused: () => undefined },
  });
}

test('whose password is changed while they sign in with the old one is not signed in', async () => {
  const { users, database, root } = services;
  const password = 'correct horse';
  const { id } = await users.create(root, { username: 'dana', name: 'Dana', password, isAdmin: false });
  const found = identifyUser(await database.users.find(id));
  await signIn(async () => found).signInWithPassword('dana', password, arrival);
  const changing = signIn(async () => {
    await users.update(root, id, { password: 'another horse' });
    return found;
  });
  await expect(changing.signInWithPassword('dana', password, arrival)).rejects.toMatchObject({
    kind: 'unauthorized',
  });
  expect(await database.sessions.removeByUser(id)).toBe(0);
});

test('a token opens no session', async () => {
  const { username } = (await services.database.users.find(services.rootId)) ?? { username: '' };
  const found = { kind: 'user', userId: services.rootId, username, isAdmin: true, tokenId: 1 } as const;
  const service = signIn(async () => ({ ...found, scopes: ['api'] }));
  const attempt = service.signInWithPassword(username, rootToken, arrival);
  await expect(attempt).rejects.toMatchObject({ kind: 'unauthorized' });
});
