/** Who has which role in a group. Nobody gives, changes or takes away a role above their own. */
import { mayGrant } from '../auth/access.ts';
import type { Database } from '../metadata/database.ts';
import type { ListedMember, Member } from '../metadata/members.ts';
import type { Page, Paged } from '../metadata/page.ts';
import type { Records } from '../metadata/records.ts';
import { UniqueViolation } from '../metadata/violations.ts';
import { type Actor, userOf } from './actor.ts';
import { recordChange } from './audit.ts';
import { RefusedError } from './refused-error.ts';
import { Rights } from './rights.ts';

export type { ListedMember };

export interface MemberInput {
  readonly userId: number;
  readonly accessLevel: number;
  /** Epoch milliseconds; undefined: never. */
  readonly expiresAt?: number | undefined;
}

export interface MemberChanges {
  readonly accessLevel: number;
  /** Undefined leaves it as it is, null clears it. */
  readonly expiresAt?: number | null | undefined;
}

export interface MemberServiceOptions {
  readonly database: Database;
  /** epoch ms */
  readonly now: () => number;
}

export class MemberService {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #rights = new Rights();

  constructor({ database, now }: MemberServiceOptions) {
    this.#database = database;
    this.#now = now;
  }

  /** For who may see the group. @param group number or full path. @throws RefusedError not-found */
  async list(actor: Actor, group: string, page: Page): Promise<Paged<ListedMember>> {
    const { id } = await this.#rights.getGroup(this.#database, actor, group, 'see');
    return this.#database.members.list(id, page);
  }

  /**
   * For who may see the group: its members and those of the groups around it, each with the highest role they have now.
   * @param group number or full path. @throws RefusedError not-found
   */
  async listInherited(actor: Actor, group: string, page: Page): Promise<Paged<ListedMember>> {
    const { fullPath } = await this.#rights.getGroup(this.#database, actor, group, 'see');
    return this.#database.members.listInherited(fullPath, page);
  }

  /** @throws RefusedError not-found, forbidden */
  async get(actor: Actor, group: string, userId: number): Promise<ListedMember> {
    const { id } = await this.#rights.getGroup(this.#database, actor, group, 'see');
    return getMember(this.#database, id, userId);
  }

  /** For Maintainers, up to their own role. @throws RefusedError not-found, forbidden, conflict, invalid */
  async add(actor: Actor, group: string, input: MemberInput): Promise<ListedMember> {
    const { userId, accessLevel, expiresAt } = input;
    this.#checkExpiry(expiresAt);
    try {
      return await this.#database.transaction(async (tx) => {
        const { id: groupId, fullPath } = await this.#rights.getGroup(tx, actor, group, 'write');
        await demandGrant(tx, actor, fullPath, accessLevel);
        if (!(await tx.users.find(userId))) throw new RefusedError('not-found', 'User');
        await tx.members.create({ groupId, userId, accessLevel, expiresAt });
        await record(tx, actor, 'member.create', { groupId, userId, accessLevel, expiresAt });
        return getMember(tx, groupId, userId);
      });
    } catch (error) {
      if (!(error instanceof UniqueViolation)) throw error;
      throw new RefusedError('conflict', 'Member already exists', { cause: error });
    }
  }

  /** For Maintainers, from and to roles up to their own. @throws RefusedError not-found, forbidden, invalid */
  async update(actor: Actor, group: string, userId: number, changes: MemberChanges): Promise<ListedMember> {
    this.#checkExpiry(changes.expiresAt ?? undefined);
    return this.#database.transaction(async (tx) => {
      const { id: groupId, fullPath } = await this.#rights.getGroup(tx, actor, group, 'write');
      const { accessLevel } = await getMember(tx, groupId, userId);
      await demandGrant(tx, actor, fullPath, Math.max(accessLevel, changes.accessLevel));
      await tx.members.update(groupId, userId, changes);
      await record(tx, actor, 'member.update', { groupId, userId, ...changes });
      return getMember(tx, groupId, userId);
    });
  }

  /** For Maintainers, roles up to their own; and everyone may leave. @throws RefusedError not-found, forbidden */
  async remove(actor: Actor, group: string, userId: number): Promise<void> {
    const isLeaving = userOf(actor).userId === userId;
    await this.#database.transaction(async (tx) => {
      const { id: groupId, fullPath } = await this.#rights.getGroup(
        tx,
        actor,
        group,
        isLeaving ? 'see' : 'write',
      );
      const { accessLevel } = await getMember(tx, groupId, userId);
      if (!isLeaving) await demandGrant(tx, actor, fullPath, accessLevel);
      await tx.members.remove(groupId, userId);
      await record(tx, actor, 'member.delete', { groupId, userId, accessLevel });
    });
  }

  #checkExpiry(expiresAt: number | undefined): void {
    if (expiresAt === undefined || expiresAt > this.#now()) return;
    throw new RefusedError('invalid', { expires_at: ['cannot be a date in the past'] });
  }
}

async function demandGrant(
  { members }: Pick<Records, 'members'>,
  actor: Actor,
  groupPath: string,
  accessLevel: number,
): Promise<void> {
  const user = userOf(actor);
  const level = await members.levelAt(groupPath, user.userId);
  if (!mayGrant(user, level, accessLevel)) throw new RefusedError('forbidden');
}

async function getMember(
  records: Pick<Records, 'members' | 'users'>,
  groupId: number,
  userId: number,
): Promise<ListedMember> {
  const member = await records.members.find(groupId, userId);
  const user = member && (await records.users.find(userId));
  if (!user) throw new RefusedError('not-found', 'Member');
  return { ...member, username: user.username, name: user.name, state: user.state };
}

function record(
  tx: Records,
  actor: Actor,
  action: string,
  { groupId, userId, accessLevel, expiresAt }: Pick<Member, 'groupId' | 'userId'> & MemberChanges,
): Promise<void> {
  const details = { user_id: userId, access_level: accessLevel, expires_at: expiresAt };
  return recordChange(tx, actor, { action, targetId: groupId, details: { group_id: groupId, ...details } });
}
