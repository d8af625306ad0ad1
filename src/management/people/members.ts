/**
 * Who has which role in a group or a project. Nobody gives, changes or takes away a role above their own, and a top-level
 * group keeps an Owner.
 */

import { accessLevels } from '../../auth/rights/access-levels.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Place } from '../../metadata/namespaces/place.ts';
import type { ListedMember, NewRole, Role, RoleChanges } from '../../metadata/people/members.ts';
import type { User } from '../../metadata/people/users.ts';
import { parentPathOf } from '../../oci/reference.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { demandNoUser, getGroup, holdGroup } from '../acting/find-group.ts';
import type { Need } from '../acting/needs.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandGrant, Rights } from '../acting/rights.ts';
import { auditPlaceOf, ownerOf, type PlaceReference } from '../namespaces/places.ts';

export type { ListedMember };

/** A user by their number or by their name. */
export type MemberInput = Omit<NewRole, 'userId'> &
  (
    | { readonly userId: number; readonly username?: undefined }
    | { readonly username: string; readonly userId?: undefined }
  );

export interface MemberServiceOptions {
  readonly database: Database;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A role that was given in the place, and whose. */
interface Held {
  readonly role: Role;
  readonly user: User;
}

export class MemberService {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #rights = new Rights();

  constructor({ database, now }: MemberServiceOptions) {
    this.#database = database;
    this.#now = now;
  }

  /** Those who were given a role in this very place, for who may see it. @throws RefusedError not-found */
  async list(actor: Actor, reference: PlaceReference, page: Page): Promise<Paged<ListedMember>> {
    const place = await this.#rights.getPlace(this.#database, actor, reference, 'see');
    return this.#database.members.list(ownerOf(place), page);
  }

  /** As {@link list}, with the members of the groups around it, each with the highest role they have now. @throws RefusedError not-found */
  async listInherited(actor: Actor, reference: PlaceReference, page: Page): Promise<Paged<ListedMember>> {
    const { fullPath } = await this.#rights.getPlace(this.#database, actor, reference, 'see');
    return this.#database.members.listInherited(fullPath, page);
  }

  /** @throws RefusedError not-found */
  async get(actor: Actor, reference: PlaceReference, userId: number): Promise<ListedMember> {
    const place = await this.#rights.getPlace(this.#database, actor, reference, 'see');
    return listed(await getHeld(this.#database, place, userId));
  }

  /** The member with the highest role they have now, wherever it was given. @throws RefusedError not-found */
  async getInherited(actor: Actor, reference: PlaceReference, userId: number): Promise<ListedMember> {
    const { fullPath } = await this.#rights.getPlace(this.#database, actor, reference, 'see');
    const found = await this.#database.members.findInherited(fullPath, userId);
    if (!found) throw new RefusedError('not-found', 'Member');
    return found;
  }

  /** Maintainers give roles up to their own. @throws RefusedError not-found, forbidden, conflict, invalid */
  async add(actor: Actor, reference: PlaceReference, input: MemberInput): Promise<ListedMember> {
    const { accessLevel, expiresAt } = input;
    this.#checkExpiry(expiresAt);
    return runChange(this.#database, async (tx) => {
      const place = await this.#rights.getPlace(tx, actor, reference, 'write');
      await demandGrant(tx, actor, place, accessLevel);
      if (place.kind === 'group') demandNoUser(await getGroup(tx, String(place.id)));
      const user = await getPerson(tx, input);
      const role = await tx.members.create({ ...ownerOf(place), userId: user.id, accessLevel, expiresAt });
      await record(tx, actor, 'create', place, user.id, { accessLevel, expiresAt });
      return listed({ role, user });
    });
  }

  /** Maintainers change roles from and to those up to their own. @throws RefusedError not-found, forbidden, invalid */
  async update(
    actor: Actor,
    reference: PlaceReference,
    userId: number,
    changes: RoleChanges,
  ): Promise<ListedMember> {
    this.#checkExpiry(changes.expiresAt ?? undefined);
    return runChange(this.#database, async (tx) => {
      const { place, user, role } = await this.#getHeldFor(tx, actor, reference, userId, 'write');
      await demandGrant(tx, actor, place, Math.max(role.accessLevel, changes.accessLevel));
      const staysOwner = changes.accessLevel >= accessLevels.owner && typeof changes.expiresAt !== 'number';
      if (!staysOwner) await demandOtherOwner(tx, place, { role, user });
      const changed = await tx.members.update(ownerOf(place), userId, changes);
      if (!changed) throw new RefusedError('not-found', 'Member');
      await record(tx, actor, 'update', place, userId, changes);
      return listed({ role: changed, user });
    });
  }

  /** Maintainers take away roles up to their own, and everyone may leave. @throws RefusedError not-found, forbidden */
  async remove(actor: Actor, reference: PlaceReference, userId: number): Promise<void> {
    const isLeaving = userOf(actor).userId === userId;
    await runChange(this.#database, async (tx) => {
      const need = isLeaving ? 'see' : 'write';
      const { place, user, role } = await this.#getHeldFor(tx, actor, reference, userId, need);
      if (!isLeaving) await demandGrant(tx, actor, place, role.accessLevel);
      await demandOtherOwner(tx, place, { role, user });
      await tx.members.remove(ownerOf(place), userId);
      await record(tx, actor, 'delete', place, userId, role);
    });
  }

  /** The role and its user. The group is held, so that its members are changed one after another. */
  async #getHeldFor(
    tx: Records,
    actor: Actor,
    reference: PlaceReference,
    userId: number,
    need: Need,
  ): Promise<Held & { readonly place: Place }> {
    const place = await this.#rights.getPlace(tx, actor, reference, need);
    if (place.kind === 'group') await holdGroup(tx, place.id);
    const held = await getHeld(tx, place, userId);
    if (held.user.kind === 'bot') {
      throw new RefusedError('forbidden', 'the role of an access token is that of the token: revoke it');
    }
    return { place, ...held };
  }

  #checkExpiry(expiresAt: number | undefined): void {
    if (expiresAt === undefined || expiresAt > this.#now()) return;
    throw new RefusedError('invalid', { expires_at: ['cannot be a date in the past'] });
  }
}

/** @throws RefusedError forbidden where a top-level group would be left to nobody */
async function demandOtherOwner(tx: Records, place: Place, { role, user }: Held): Promise<void> {
  const isTopLevel = place.kind === 'group' && parentPathOf(place.fullPath) === '';
  if (!isTopLevel || role.accessLevel < accessLevels.owner || user.state === 'blocked') return;
  if (await tx.members.hasOtherOwner(place.fullPath, user.id)) return;
  throw new RefusedError(
    'forbidden',
    'the last Owner of a top-level group stays its Owner until there is another',
  );
}

/** @throws RefusedError not-found, invalid for the bot of an access token, whose one role goes with it */
async function getPerson({ users }: Pick<Records, 'users'>, input: MemberInput): Promise<User> {
  const user =
    input.userId === undefined
      ? await users.findByUsername(input.username.toLowerCase())
      : await users.find(input.userId);
  if (!user) throw new RefusedError('not-found', 'User');
  if (user.kind === 'human') return user;
  throw new RefusedError('invalid', { user: ['is the bot of an access token'] });
}

async function getHeld(records: Records, place: Place, userId: number): Promise<Held> {
  const role = await records.members.find(ownerOf(place), userId);
  const user = role && (await records.users.find(userId));
  if (!user) throw new RefusedError('not-found', 'Member');
  return { role, user };
}

function listed({ role, user: { username, name, state } }: Held): ListedMember {
  const { userId, accessLevel, expiresAt, createdAt } = role;
  return { userId, accessLevel, expiresAt, createdAt, username, name, state };
}

function record(
  tx: Records,
  actor: Actor,
  verb: 'create' | 'update' | 'delete',
  place: Place,
  userId: number,
  { accessLevel, expiresAt }: RoleChanges,
): Promise<void> {
  return recordChange(tx, actor, {
    action: `member.${verb}`,
    targetId: place.id,
    details: { ...ownerOf(place), userId, accessLevel, expiresAt },
    ...auditPlaceOf(place),
  });
}
