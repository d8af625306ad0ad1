/**
 * Access tokens of a group or a project: of a bot that has a role there and nowhere else. The bot comes with the token, and
 * its role goes with it.
 */
import { randomBytes } from 'node:crypto';
import type { TokenScope } from '../../auth/rights/identity.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Place } from '../../metadata/namespaces/place.ts';
import type { AccessToken } from '../../metadata/tokens/access-tokens.ts';
import type { Actor } from '../acting/actor.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandGrant, Rights } from '../acting/rights.ts';
import { ownerOf, type PlaceReference } from '../namespaces/places.ts';
import {
  type AccessTokenInput,
  demandPerson,
  recordAccessToken,
  revokeAccessToken,
  rotateAccessToken,
} from './access-token-records.ts';
import { demandLater, type NewToken, placeTokenNeeds, type TokenServiceOptions } from './new-tokens.ts';

const projectScopes = [
  'api',
  'read_api',
  'read_repository',
  'write_repository',
  'read_registry',
  'write_registry',
] as const satisfies readonly TokenScope[];

/** A project's token has nothing to do in virtual registries, which belong to top-level groups. */
export const placeTokenScopes = {
  project: projectScopes,
  group: [...projectScopes, 'read_virtual_registry', 'write_virtual_registry'],
} as const satisfies Record<Place['kind'], readonly TokenScope[]>;

export interface PlaceAccessTokenInput extends AccessTokenInput {
  readonly accessLevel: number;
}

export interface PlaceAccessToken extends AccessToken {
  /** Undefined once it is revoked. */
  readonly accessLevel: number | undefined;
}

const suffixBytes = 16;

export class PlaceAccessTokenService {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #rights = new Rights();

  constructor({ database, now }: TokenServiceOptions) {
    this.#database = database;
    this.#now = now;
  }

  /** Newest first. @param isActive neither revoked nor expired; or one of them. @throws RefusedError not-found, forbidden */
  async list(
    actor: Actor,
    reference: PlaceReference,
    isActive: boolean | undefined,
    page: Page,
  ): Promise<Paged<PlaceAccessToken>> {
    const place = await this.#getPlace(this.#database, actor, reference);
    const found = await this.#database.accessTokens.list({ botOf: ownerOf(place), isActive }, page);
    const records = await Promise.all(found.records.map((token) => withLevel(this.#database, place, token)));
    return { ...found, records };
  }

  /** @throws RefusedError not-found, forbidden */
  async get(actor: Actor, reference: PlaceReference, id: number): Promise<PlaceAccessToken> {
    const place = await this.#getPlace(this.#database, actor, reference);
    return withLevel(this.#database, place, await getToken(this.#database, place, id));
  }

  /** The token gets a role up to the actor's own. @throws RefusedError not-found, forbidden, invalid */
  async create(
    actor: Actor,
    reference: PlaceReference,
    { accessLevel, ...input }: PlaceAccessTokenInput,
  ): Promise<NewToken<PlaceAccessToken>> {
    demandLater(input.expiresAt, this.#now());
    return runChange(this.#database, async (tx) => {
      const place = await this.#getPlace(tx, actor, reference);
      await demandPerson(tx, actor);
      await demandGrant(tx, actor, place, accessLevel);
      const suffix = randomBytes(suffixBytes).toString('hex');
      const bot = await tx.users.create({
        username: `${place.kind}_${place.id}_bot_${suffix}`,
        name: input.name,
        isAdmin: false,
        botOf: ownerOf(place),
      });
      await tx.members.create({ ...ownerOf(place), userId: bot.id, accessLevel });
      return this.#told(tx, place, await recordAccessToken(tx, actor, bot, input));
    });
  }

  /**
   * Puts another token of the same bot in the place of this one, which is good no more.
   * @param expiresAt epoch milliseconds; undefined: in a week
   * @throws RefusedError not-found, forbidden where its role is above the actor's own, invalid, bad-request
   */
  async rotate(
    actor: Actor,
    reference: PlaceReference,
    id: number,
    expiresAt: number | undefined,
  ): Promise<NewToken<PlaceAccessToken>> {
    return runChange(this.#database, async (tx) => {
      const place = await this.#getPlace(tx, actor, reference);
      const old = await withLevel(tx, place, await getToken(tx, place, id));
      if (old.accessLevel !== undefined) await demandGrant(tx, actor, place, old.accessLevel);
      return this.#told(tx, place, await rotateAccessToken(tx, actor, old, expiresAt, this.#now()));
    });
  }

  /** The token is refused at once; it may have been revoked before. @throws RefusedError not-found, forbidden */
  async revoke(actor: Actor, reference: PlaceReference, id: number): Promise<void> {
    await runChange(this.#database, async (tx) => {
      const place = await this.#getPlace(tx, actor, reference);
      await revokeAccessToken(tx, actor, await getToken(tx, place, id));
    });
  }

  #getPlace(records: Records, actor: Actor, reference: PlaceReference): Promise<Place> {
    return this.#rights.getPlace(records, actor, reference, placeTokenNeeds[reference.kind]);
  }

  async #told(tx: Records, place: Place, { record, token }: NewToken<AccessToken>) {
    return { record: await withLevel(tx, place, record), token };
  }
}

/** @throws RefusedError not-found for what is not a token of this very place */
async function getToken(records: Records, place: Place, id: number): Promise<AccessToken> {
  const token = await records.accessTokens.find(id);
  const bot = token && (await records.users.find(token.userId));
  const isOfPlace = (place.kind === 'group' ? bot?.botGroupId : bot?.botProjectId) === place.id;
  if (!token || !isOfPlace) throw new RefusedError('not-found');
  return token;
}

async function withLevel(records: Records, place: Place, token: AccessToken): Promise<PlaceAccessToken> {
  const role = await records.members.find(ownerOf(place), token.userId);
  return { ...token, accessLevel: token.revokedAt === undefined ? role?.accessLevel : undefined };
}
