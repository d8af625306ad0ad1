/** Users: who there is, and who may come in. Passwords and their hashes never leave this file. */
import { isAdministrator } from '../auth/access.ts';
import { findPasswordFault, type Passwords } from '../auth/passwords.ts';
import type { Database } from '../metadata/database.ts';
import type { Page, Paged } from '../metadata/page.ts';
import type { User } from '../metadata/users.ts';
import { UniqueViolation } from '../metadata/violations.ts';
import { type Actor, userOf } from './actor.ts';
import { recordChange } from './audit.ts';
import { RefusedError } from './refused-error.ts';
import { demandAdministrator } from './rights.ts';

export interface UserInput {
  readonly username: string;
  readonly name: string;
  readonly email?: string | undefined;
  /** Without one they can only come in with a token. */
  readonly password?: string | undefined;
  readonly isAdmin: boolean;
}

/** A user as others may see them. */
export interface ShownUser {
  readonly id: number;
  readonly username: string;
  readonly name: string;
  readonly state: User['state'];
  readonly createdAt: number;
  /** For themselves and administrators. */
  readonly details: { readonly email: string | undefined; readonly isAdmin: boolean } | undefined;
}

export interface UserFilter {
  /** The whole username. */
  readonly username?: string | undefined;
  /** Part of the username or name. */
  readonly search?: string | undefined;
}

export interface UserServiceOptions {
  readonly database: Database;
  readonly passwords: Passwords;
}

const usernamePattern = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/;

export class UserService {
  readonly #database: Database;
  readonly #passwords: Passwords;

  constructor({ database, passwords }: UserServiceOptions) {
    this.#database = database;
    this.#passwords = passwords;
  }

  /** Oldest first; for every user. @throws RefusedError unauthorized */
  async list(actor: Actor, { username, search }: UserFilter, page: Page): Promise<Paged<ShownUser>> {
    userOf(actor);
    if (username !== undefined) {
      const user = await this.#database.users.findByUsername(username.toLowerCase());
      return { records: user && page.page === 1 ? [show(actor, user)] : [], total: user ? 1 : 0 };
    }
    const { records, total } = await this.#database.users.list(search, page);
    return { records: records.map((user) => show(actor, user)), total };
  }

  /** @throws RefusedError unauthorized, not-found */
  async get(actor: Actor, id: number): Promise<ShownUser> {
    userOf(actor);
    const user = await this.#database.users.find(id);
    if (!user) throw new RefusedError('not-found', 'User');
    return show(actor, user);
  }

  /** For administrators. @throws RefusedError forbidden, invalid, conflict */
  async create(actor: Actor, input: UserInput): Promise<ShownUser> {
    demandAdministrator(actor, 'write');
    const { name, email, isAdmin } = input;
    const username = input.username.toLowerCase();
    checkInput(username, input.password);
    const passwordHash = input.password && (await this.#passwords.hash(input.password));
    try {
      return await this.#database.transaction(async (tx) => {
        const user = await tx.users.create({ username, name, email, isAdmin, passwordHash });
        const details = { username, name, is_admin: isAdmin };
        await recordChange(tx, actor, { action: 'user.create', targetId: user.id, details });
        return show(actor, user);
      });
    } catch (error) {
      if (!(error instanceof UniqueViolation)) throw error;
      throw new RefusedError('conflict', 'Username has already been taken', { cause: error });
    }
  }

  /** A blocked user's password and tokens are refused. For administrators. @throws RefusedError forbidden, not-found */
  block(actor: Actor, id: number): Promise<void> {
    return this.#setState(actor, id, 'blocked');
  }

  /** For administrators. @throws RefusedError forbidden, not-found */
  unblock(actor: Actor, id: number): Promise<void> {
    return this.#setState(actor, id, 'active');
  }

  async #setState(actor: Actor, id: number, state: User['state']): Promise<void> {
    demandAdministrator(actor, 'write');
    // So that one administrator is always left.
    if (userOf(actor).userId === id) throw new RefusedError('forbidden', 'You cannot block yourself.');
    await this.#database.transaction(async (tx) => {
      const user = await tx.users.find(id);
      if (!user) throw new RefusedError('not-found', 'User');
      if (user.state === state) return;
      await tx.users.update(id, { state });
      const action = state === 'blocked' ? 'user.block' : 'user.unblock';
      await recordChange(tx, actor, { action, targetId: id, details: { username: user.username } });
    });
  }
}

/** The operator, who acts as this user at the first start or from the command line. */
export function actorFor({ id, username, isAdmin }: User): Actor {
  return { identity: { kind: 'user', userId: id, username, isAdmin, scopes: 'all' }, address: undefined };
}

function show(actor: Actor, { id, username, name, state, createdAt, email, isAdmin }: User): ShownUser {
  const isTrusted = isAdministrator(actor.identity, 'read') || userOf(actor).userId === id;
  return { id, username, name, state, createdAt, details: isTrusted ? { email, isAdmin } : undefined };
}

/** @throws RefusedError invalid */
function checkInput(username: string, password: string | undefined): void {
  if (!usernamePattern.test(username)) {
    throw new RefusedError('invalid', {
      username: ["can contain only letters, digits, '_', '-' and '.', and not begin or end with '-' or '.'"],
    });
  }
  const fault = password === undefined ? undefined : findPasswordFault(password);
  if (fault !== undefined) throw new RefusedError('invalid', { password: [fault] });
}
