/**
 * Finds what someone asks for and whether they may have it, in GitLab's order: what does not exist and what belongs to a
 * private group of others look the same; after that a role that is too low is told so.
 */
import {
  accessLevels,
  effectiveLevel,
  hasScopeFor,
  isAdministrator,
  mayRead,
  mayWrite,
} from '../auth/access.ts';
import type { UserIdentity } from '../auth/identity.ts';
import type { Group } from '../metadata/groups.ts';
import type { Records } from '../metadata/records.ts';
import type { UpstreamRecord } from '../metadata/upstreams.ts';
import type { VirtualRegistry } from '../metadata/virtual-registries.ts';
import { type Actor, userOf } from './actor.ts';
import { getGroup } from './find-group.ts';
import { RefusedError } from './refused-error.ts';

/** see: know of the group; read what belongs to it; write: change that; own: decide about the group itself. */
export type Need = 'see' | 'read' | 'write' | 'own';

export class Rights {
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * @param reference the group's number or its full path
   * @throws RefusedError unauthorized, not-found, forbidden
   */
  async getGroup(
    records: Pick<Records, 'groups' | 'members'>,
    actor: Actor,
    reference: string,
    need: Need,
  ): Promise<Group> {
    const group = await getGroup(records, reference);
    await this.demand(records, actor, group, need, 'Group');
    return group;
  }

  /** As {@link getGroup}. @param refusal of a subgroup: GitLab's endpoints differ */
  async getTopLevelGroup(
    records: Records,
    actor: Actor,
    reference: string,
    need: Need,
    refusal: 'forbidden' | 'bad-request',
  ): Promise<Group> {
    const group = await this.getGroup(records, actor, reference, need);
    if (group.parentId === undefined) return group;
    throw refusal === 'forbidden'
      ? new RefusedError('forbidden')
      : new RefusedError('bad-request', 'only available on top-level groups.');
  }

  /** @throws RefusedError unauthorized, not-found, forbidden */
  async getRegistry(records: Records, actor: Actor, id: number, need: Need): Promise<VirtualRegistry> {
    return this.#getOwned(records, actor, await records.virtualRegistries.find(id), need);
  }

  /** @throws RefusedError unauthorized, not-found, forbidden */
  async getUpstream(records: Records, actor: Actor, id: number, need: Need): Promise<UpstreamRecord> {
    return this.#getOwned(records, actor, await records.upstreams.find(id), need);
  }

  /**
   * @param what is named to those who may not know of the group
   * @throws RefusedError unauthorized, not-found, forbidden
   */
  async demand(
    records: Pick<Records, 'members'>,
    actor: Actor,
    group: Group,
    need: Need,
    what?: string,
  ): Promise<void> {
    const user = userOf(actor);
    const level = await findLevel(records, user, group.id, this.#now());
    if (satisfies(user, level, need, group)) return;
    const isHidden = group.visibility === 'private' && effectiveLevel(user, level) === undefined;
    throw isHidden ? new RefusedError('not-found', what) : new RefusedError('forbidden');
  }

  async #getOwned<T extends { readonly groupId: number }>(
    records: Records,
    actor: Actor,
    record: T | undefined,
    need: Need,
  ): Promise<T> {
    const group = record && (await records.groups.find(record.groupId));
    if (!group) throw new RefusedError('not-found');
    await this.demand(records, actor, group, need);
    return record;
  }
}

/** The role someone has in a group now; undefined: none, or not any more. */
export async function findLevel(
  { members }: Pick<Records, 'members'>,
  user: UserIdentity,
  groupId: number,
  now: number,
): Promise<number | undefined> {
  const member = await members.find(groupId, user.userId);
  const isCurrent = member !== undefined && (member.expiresAt === undefined || member.expiresAt > now);
  return isCurrent ? member.accessLevel : undefined;
}

function satisfies(user: UserIdentity, level: number | undefined, need: Need, group: Group): boolean {
  switch (need) {
    case 'see':
      return group.visibility === 'private' ? mayRead(user, level) : hasScopeFor(user, 'read');
    case 'read':
      return mayRead(user, level);
    case 'write':
      return mayWrite(user, level);
    case 'own':
      return mayWrite(user, level) && (effectiveLevel(user, level) ?? 0) >= accessLevels.owner;
  }
}

/** @throws RefusedError unauthorized, forbidden */
export function demandAdministrator(actor: Actor, purpose: 'read' | 'write'): void {
  if (!isAdministrator(userOf(actor), purpose)) throw new RefusedError('forbidden');
}
