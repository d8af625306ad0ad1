import { Passwords } from '../../../src/auth/credentials/passwords.ts';
import type { Actor } from '../../../src/management/acting/actor.ts';
import { prepareFirstStart } from '../../../src/management/people/first-start.ts';
import { MemberService } from '../../../src/management/people/members.ts';
import { actorFor, UserService } from '../../../src/management/people/users.ts';
import { AccessTokenService } from '../../../src/management/tokens/access-tokens.ts';
import { type Database, openDatabase } from '../../../src/metadata/db/database.ts';
import { silentLog } from '../../support/silent-log.ts';

export const start = Date.UTC(2026, 2, 4, 9, 15, 22, 481);
export const rootToken = 'ent-root-token-0123456789';
export const from = '192.0.2.7';

/** The services of users, tokens and members on records in memory, after a first start. */
export class IdentityServices {
  readonly database: Database;
  readonly users: UserService;
  readonly tokens: AccessTokenService;
  readonly members: MemberService;
  readonly root: Actor;
  readonly rootId: number;

  private constructor(database: Database, root: Actor, rootId: number, now: () => number) {
    this.database = database;
    this.users = new UserService({
      database,
      passwords: new Passwords(),
      caches: { forgetGroup: () => undefined },
    });
    this.tokens = new AccessTokenService({ database, now });
    this.members = new MemberService({ database, now });
    this.root = root;
    this.rootId = rootId;
  }

  static async open(now: () => number): Promise<IdentityServices> {
    const database = await openDatabase({ url: undefined, file: ':memory:', log: silentLog, now });
    await prepareFirstStart({
      database,
      passwords: new Passwords(),
      rootToken,
      rootPassword: undefined,
      announce: async () => undefined,
    });
    const root = await database.users.findByUsername('root');
    if (!root) throw new Error('no root');
    return new IdentityServices(database, { ...actorFor(root), address: from }, root.id, now);
  }

  /** A new user who acts with their password. */
  async actor(username: string): Promise<{ actor: Actor; id: number }> {
    const { id } = await this.users.create(this.root, { username, name: username, isAdmin: false });
    const identity = { kind: 'user', userId: id, username, isAdmin: false, scopes: 'all' } as const;
    return { actor: { identity, address: from }, id };
  }

  /** Newest first, as `action target`. */
  async auditTrail(): Promise<string[]> {
    const { records } = await this.database.auditEvents.list({}, { page: 1, perPage: 100 });
    return records.map(({ actorName, action, targetId, address }) =>
      [actorName, action, targetId, address].join(' ').trim(),
    );
  }
}
