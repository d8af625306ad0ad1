/** Users: who there is, and who may come in. Passwords and their hashes never leave this file. */

import { findPasswordFault, type Passwords } from '../../auth/credentials/passwords.ts';
import { isAdministrator } from '../../auth/rights/access.ts';
import { accessLevels } from '../../auth/rights/access-levels.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Keyset, KeysetPart, Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { UserChanges as RecordChanges, User, UserFilter } from '../../metadata/people/users.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { holdGroup } from '../acting/find-group.ts';
import type { PullCaches } from '../acting/pull-caches.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandAdministrator } from '../acting/rights.ts';
import { removePersonalNamespace } from '../namespaces/personal-namespaces.ts';
import { renameGroup } from '../namespaces/place-renames.ts';

export interface UserInput {
  readonly username: string;
  readonly name: string;
  readonly email?: string | undefined;
  /** Without one they can only come in with a token. */
  readonly password?: string | undefined;
  readonly isAdmin: boolean;
}

/** What is undefined stays as it is; null clears. */
export interface UserChanges {
  readonly username?: string | undefined;
  readonly name?: string | undefined;
  readonly email?: string | null | undefined;
  readonly password?: string | undefined;
  readonly isAdmin?: boolean | undefined;
}

/** A user as others may see them. */
export interface ShownUser {
  readonly id: number;
  readonly username: string;
  readonly name: string;
  readonly state: User['state'];
  /** Whom a group or project access token acts as. */
  readonly isBot: boolean;
  readonly createdAt: number;
  /** Only the user and administrators see these. */
  readonly details: { readonly email: string | undefined; readonly isAdmin: boolean } | undefined;
}

/** @param search part of the username or name */
export type UserSearch = UserFilter & { readonly search?: string | undefined };

export interface UserServiceOptions {
  readonly database: Database;
  readonly passwords: Passwords;
  readonly caches: PullCaches;
}

const usernamePattern = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/;

export class UserService {
  readonly #database: Database;
  readonly #passwords: Passwords;
  readonly #caches: PullCaches;

  constructor({ database, passwords, caches }: UserServiceOptions) {
    this.#database = database;
    this.#passwords = passwords;
    this.#caches = caches;
  }

  /** Oldest first, and people only unless bots are asked for; for every user. @throws RefusedError unauthorized */
  async list(actor: Actor, { search, ...filter }: UserSearch, page: Page): Promise<Paged<ShownUser>> {
    userOf(actor);
    const username = filter.username?.toLowerCase();
    const found = await this.#database.users.list(search, page, { ...filter, username });
    return { ...found, records: found.records.map((user) => show(actor, user)) };
  }

  /** As {@link list}, by number, after another one. */
  async listAfter(
    actor: Actor,
    { search, ...filter }: UserSearch,
    keyset: Keyset,
  ): Promise<KeysetPart<ShownUser>> {
    userOf(actor);
    const username = filter.username?.toLowerCase();
    const found = await this.#database.users.listAfter(search, keyset, { ...filter, username });
    return { ...found, records: found.records.map((user) => show(actor, user)) };
  }

  /** @throws RefusedError unauthorized, not-found */
  async get(actor: Actor, id: number): Promise<ShownUser> {
    userOf(actor);
    return show(actor, await getUser(this.#database, id));
  }

  /** Administrators create users. @throws RefusedError forbidden, invalid, conflict */
  async create(actor: Actor, input: UserInput): Promise<ShownUser> {
    demandAdministrator(actor, 'write');
    const { name, email, isAdmin } = input;
    const username = parseUsername(input.username);
    const passwordHash = await this.#hash(input.password, username);
    return runChange(this.#database, async (tx) => {
      const user = await tx.users.create({ username, name, email, isAdmin, passwordHash });
      const details = { username, name, isAdmin };
      await recordChange(tx, actor, { action: 'user.create', targetId: user.id, details });
      return show(actor, user);
    });
  }

  /**
   * Administrators change users. Their own namespace is renamed with them. A new password ends the sessions that began with the old one; tokens stay.
   * @throws RefusedError forbidden, not-found, invalid, conflict
   */
  async update(actor: Actor, id: number, { password, ...changes }: UserChanges): Promise<ShownUser> {
    demandAdministrator(actor, 'write');
    // One administrator is always left so.
    if (changes.isAdmin === false) demandOther(actor, id, 'take the rights of an administrator from');
    const username = changes.username === undefined ? undefined : parseUsername(changes.username);
    const { kind, username: known } = await getUser(this.#database, id);
    if (kind === 'bot') throw new RefusedError('forbidden', 'a bot is what its access token says');
    const passwordHash = await this.#hash(password, username ?? known);
    const { user, namespace } = await runChange(this.#database, async (tx) => {
      const user = await tx.users.update(id, { ...changes, username, passwordHash } satisfies RecordChanges);
      if (!user) throw new RefusedError('not-found', 'User');
      if (passwordHash !== undefined) await tx.sessions.removeByUser(id);
      const details = {
        username: known,
        newUsername: username,
        name: changes.name,
        email: changes.email,
        isAdmin: changes.isAdmin,
        hasNewPassword: passwordHash === undefined ? undefined : true,
      };
      await recordChange(tx, actor, { action: 'user.update', targetId: id, details });
      const namespace = username === undefined ? undefined : await tx.groups.findByUser(id);
      if (namespace) await renameGroup(tx, actor, namespace, user.username);
      return { user, namespace };
    });
    if (namespace) this.#caches.forgetGroup(namespace.id);
    return show(actor, user);
  }

  /**
   * Administrators remove users with their roles, tokens and own namespace; what else they made stays.
   * @throws RefusedError forbidden, not-found, conflict for whoever is the only Owner of a group
   */
  async remove(actor: Actor, id: number): Promise<void> {
    demandAdministrator(actor, 'write');
    demandOther(actor, id, 'delete');
    await runChange(this.#database, async (tx) => {
      const { username } = await getUser(tx, id);
      await demandNotNeeded(tx, id);
      await removePersonalNamespace(tx, actor, id);
      await tx.users.remove(id);
      await recordChange(tx, actor, { action: 'user.delete', targetId: id, details: { username } });
    });
  }

  /** Administrators block users, whose password, sessions and tokens are refused then. @throws RefusedError forbidden, not-found */
  block(actor: Actor, id: number): Promise<void> {
    return this.#setState(actor, id, 'blocked');
  }

  /** Administrators let users in again. @throws RefusedError forbidden, not-found */
  unblock(actor: Actor, id: number): Promise<void> {
    return this.#setState(actor, id, 'active');
  }

  async #setState(actor: Actor, id: number, state: User['state']): Promise<void> {
    demandAdministrator(actor, 'write');
    demandOther(actor, id, 'block');
    await this.#database.transaction(async (tx) => {
      const user = await getUser(tx, id);
      if (user.state === state) return;
      await tx.users.update(id, { state });
      if (state === 'blocked') await tx.sessions.removeByUser(id);
      const action = state === 'blocked' ? 'user.block' : 'user.unblock';
      await recordChange(tx, actor, { action, targetId: id, details: { username: user.username } });
    });
  }

  /** @throws RefusedError invalid */
  async #hash(password: string | undefined, username: string): Promise<string | undefined> {
    if (password === undefined) return undefined;
    const fault = findPasswordFault(password, username);
    if (fault !== undefined) throw new RefusedError('invalid', { password: [fault] });
    return this.#passwords.hash(password);
  }
}

/** The operator, who acts as this user at the first start or from the command line. */
export function actorFor({ id, username, isAdmin }: User): Actor {
  return { identity: { kind: 'user', userId: id, username, isAdmin, scopes: 'all' }, address: undefined };
}

function show(actor: Actor, user: User): ShownUser {
  const { id, username, name, state, createdAt, email, isAdmin } = user;
  const isTrusted = isAdministrator(actor.identity, 'read') || userOf(actor).userId === id;
  const details = isTrusted ? { email, isAdmin } : undefined;
  return { id, username, name, state, isBot: user.kind === 'bot', createdAt, details };
}

async function getUser({ users }: Pick<Records, 'users'>, id: number): Promise<User> {
  const user = await users.find(id);
  if (!user) throw new RefusedError('not-found', 'User');
  return user;
}

function demandOther(actor: Actor, id: number, what: string): void {
  if (userOf(actor).userId === id) throw new RefusedError('forbidden', `You cannot ${what} yourself.`);
}

/** @throws RefusedError conflict */
async function demandNotNeeded(tx: Records, userId: number): Promise<void> {
  const alone: string[] = [];
  for (const { groupId, accessLevel } of await tx.members.listByUser(userId)) {
    if (groupId === undefined || accessLevel < accessLevels.owner) continue;
    await holdGroup(tx, groupId);
    const group = await tx.groups.find(groupId);
    if (group && group.userId !== userId && !(await tx.members.hasOtherOwner(group.fullPath, userId)))
      alone.push(group.fullPath);
  }
  if (alone.length === 0) return;
  const groups = alone.sort().join(', ');
  throw new RefusedError(
    'conflict',
    `User cannot be removed: they are the only Owner of ${groups}. Make someone else an Owner there, or delete it, first.`,
  );
}

/** The username in lower case. @throws RefusedError invalid */
export function parseUsername(written: string): string {
  const username = written.toLowerCase();
  if (usernamePattern.test(username)) return username;
  throw new RefusedError('invalid', {
    username: ["can contain only letters, digits, '_', '-' and '.', and not begin or end with '-' or '.'"],
  });
}
