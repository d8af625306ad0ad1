/**
 * Which user someone is who signed in at the OpenID provider. The provider's subject decides, for ever. A username over there is only
 * what they call themselves: it makes a new user, or takes one that was made for it and that nobody could have come in with.
 */
import type { OidcPerson } from '../../auth/oidc/oidc-person.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import { UniqueViolation } from '../../metadata/db/violations.ts';
import type { User } from '../../metadata/people/users.ts';
import type { Log } from '../../observe/log.ts';
import { recordChange } from '../acting/audit.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { applyGroupRoles, type GroupRole } from './oidc-roles.ts';
import { actorFor, parseUsername } from './users.ts';

export interface OidcPeopleOptions {
  readonly database: Database;
  /** False: only who has a user already may come in. */
  readonly createsUsers: boolean;
  readonly groupRoles: readonly GroupRole[];
  readonly log: Log;
}

export class OidcPeople {
  readonly #options: OidcPeopleOptions;

  constructor(options: OidcPeopleOptions) {
    this.#options = options;
  }

  /** The person's user, with the roles that their groups give them now. @param address the client's. @throws RefusedError forbidden */
  async receive(person: OidcPerson, address: string | undefined): Promise<User> {
    try {
      return await this.#receive(person, address);
    } catch (error) {
      // They came twice at the same time, and the other one made the user: now there is one.
      if (error instanceof UniqueViolation) return this.#receive(person, address);
      throw error;
    }
  }

  #receive(person: OidcPerson, address: string | undefined): Promise<User> {
    const { database, groupRoles, log } = this.#options;
    return database.transaction(async (tx) => {
      const user = await this.#find(tx, person, address);
      if (user.state === 'blocked') throw new RefusedError('forbidden', 'Your account has been blocked.');
      const actor = { ...actorFor(user), address };
      const missing = await applyGroupRoles(tx, actor, user.id, person.groups, groupRoles);
      if (missing.length > 0) log.warn({ missing }, 'auth.oidc_group_roles names groups that do not exist');
      return user;
    });
  }

  async #find(tx: Records, person: OidcPerson, address: string | undefined): Promise<User> {
    const { issuer, subject } = person;
    const known = await tx.oidcIdentities.find(issuer, subject);
    const linked = known === undefined ? undefined : await tx.users.find(known);
    if (linked) return linked;
    const username = usernameOf(person);
    const namesake = await tx.users.findByUsername(username);
    const user = namesake ? await takeOver(tx, namesake) : await this.#create(tx, username, person);
    await tx.oidcIdentities.create({ issuer, subject, userId: user.id });
    await recordChange(
      tx,
      { ...actorFor(user), address },
      {
        action: namesake ? 'user.link' : 'user.create',
        targetId: user.id,
        details: { username, issuer, subject },
      },
    );
    return user;
  }

  async #create(tx: Records, username: string, { name, email }: OidcPerson): Promise<User> {
    if (!this.#options.createsUsers) {
      throw new RefusedError(
        'forbidden',
        `Nobody here is called ${username}: ask an administrator to add you.`,
      );
    }
    return tx.users.create({ username, name: name ?? username, email, isAdmin: false });
  }
}

/** @throws RefusedError forbidden */
function usernameOf({ username }: OidcPerson): string {
  if (username === undefined) {
    throw new RefusedError(
      'forbidden',
      'The OpenID provider says no username: auth.oidc_username_claim names another claim.',
    );
  }
  try {
    return parseUsername(username);
  } catch (cause) {
    const why = 'it must have letters, digits, _, - and . only, and neither begin nor end with - or .';
    throw new RefusedError('forbidden', `${JSON.stringify(username)} cannot be a username here: ${why}`, {
      cause,
    });
  }
}

/**
 * Takes an account that was made for them: it has no password, no rights over all, is no bot, and is nobody's elsewhere.
 * @throws RefusedError forbidden
 */
async function takeOver(tx: Records, { id, username }: User): Promise<User> {
  // This changes nothing but holds the user: of two who claim it, the second sees that the first has it.
  const user = await tx.users.update(id, {});
  const isFree =
    user?.kind === 'human' &&
    user.passwordHash === undefined &&
    !user.isAdmin &&
    !(await tx.oidcIdentities.isLinked(id));
  if (isFree) return user;
  throw new RefusedError(
    'forbidden',
    `The username ${username} belongs to another account here, and the OpenID provider cannot take it over.`,
  );
}
