/** Deploy tokens: for machines that pull and push in a group or project and belong to nobody. */
import { createToken, hashToken } from '../../auth/tokens/token-secret.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Place } from '../../metadata/namespaces/place.ts';
import type { DeployToken } from '../../metadata/tokens/deploy-tokens.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandAdministrator, Rights } from '../acting/rights.ts';
import { auditPlaceOf, ownerOf, type PlaceReference } from '../namespaces/places.ts';
import {
  demandLater,
  demandStillGood,
  type NewToken,
  placeTokenNeeds,
  type TokenServiceOptions,
} from './new-tokens.ts';

export type { DeployToken };

/** GitLab's scopes. Those of Git and packages are kept for its clients' sake, and good for nothing here. */
export const deployTokenScopes = [
  'read_repository',
  'read_registry',
  'write_registry',
  'read_virtual_registry',
  'write_virtual_registry',
  'read_package_registry',
  'write_package_registry',
] as const;

export type DeployTokenScope = (typeof deployTokenScopes)[number];

export interface DeployTokenInput {
  readonly name: string;
  /** Undefined: `gitlab+deploy-token-` and its number. */
  readonly username?: string | undefined;
  readonly scopes: readonly DeployTokenScope[];
  /** Epoch milliseconds; undefined: never. */
  readonly expiresAt?: number | undefined;
}

const usernamePattern = /^[\w.+-]+$/;

export class DeployTokenService {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #rights = new Rights();

  constructor({ database, now }: TokenServiceOptions) {
    this.#database = database;
    this.#now = now;
  }

  /** Administrators see the tokens of all groups and projects, oldest first. @throws RefusedError forbidden */
  async listAll(actor: Actor, isActive: boolean | undefined, page: Page): Promise<Paged<DeployToken>> {
    demandAdministrator(actor, 'read');
    return this.#database.deployTokens.list({ isActive }, page);
  }

  /**
   * Maintainers see the tokens of their place, oldest first.
   * @param isActive neither revoked nor expired; or one of them
   * @throws RefusedError not-found, forbidden
   */
  async list(
    actor: Actor,
    reference: PlaceReference,
    isActive: boolean | undefined,
    page: Page,
  ): Promise<Paged<DeployToken>> {
    const place = await this.#rights.getPlace(this.#database, actor, reference, 'write');
    return this.#database.deployTokens.list({ place: ownerOf(place), isActive }, page);
  }

  /** Maintainers see it. @throws RefusedError not-found, forbidden */
  async get(actor: Actor, reference: PlaceReference, id: number): Promise<DeployToken> {
    const place = await this.#rights.getPlace(this.#database, actor, reference, 'write');
    return getToken(this.#database, place, id);
  }

  /** Maintainers make tokens of a project, Owners those of a group. @throws RefusedError not-found, forbidden, invalid */
  async create(
    actor: Actor,
    reference: PlaceReference,
    { name, username, scopes, expiresAt }: DeployTokenInput,
  ): Promise<NewToken<DeployToken>> {
    demandLater(expiresAt, this.#now());
    if (username !== undefined) checkUsername(username);
    if (reference.kind === 'project' && scopes.some((scope) => scope.endsWith('_virtual_registry'))) {
      throw new RefusedError('invalid', { scopes: ['of virtual registries are for tokens of groups'] });
    }
    return runChange(this.#database, async (tx) => {
      const place = await this.#getPlaceToChange(tx, actor, reference);
      await demandStillGood(tx, actor);
      const token = createToken('deploy');
      const record = await tx.deployTokens.create({
        place: ownerOf(place),
        name,
        username,
        tokenHash: hashToken(token),
        scopes,
        expiresAt,
        createdBy: userOf(actor).userId,
      });
      await recordChange(tx, actor, {
        action: 'deploy_token.create',
        targetId: record.id,
        details: { ...ownerOf(place), name, username: record.username, scopes, expiresAt },
        ...auditPlaceOf(place),
      });
      return { record, token };
    });
  }

  /**
   * The token is refused at once; it may have been revoked before. Whoever may {@link create} may do so.
   * @throws RefusedError not-found, forbidden
   */
  async revoke(actor: Actor, reference: PlaceReference, id: number): Promise<void> {
    await runChange(this.#database, async (tx) => {
      const place = await this.#getPlaceToChange(tx, actor, reference);
      const { name, username } = await getToken(tx, place, id);
      if (!(await tx.deployTokens.revoke(id))) return;
      await recordChange(tx, actor, {
        action: 'deploy_token.revoke',
        targetId: id,
        details: { ...ownerOf(place), name, username },
        ...auditPlaceOf(place),
      });
    });
  }

  #getPlaceToChange(tx: Records, actor: Actor, reference: PlaceReference): Promise<Place> {
    return this.#rights.getPlace(tx, actor, reference, placeTokenNeeds[reference.kind]);
  }
}

/** @throws RefusedError not-found for what is not a token of this very place */
async function getToken(
  records: Pick<Records, 'deployTokens'>,
  place: Place,
  id: number,
): Promise<DeployToken> {
  const token = await records.deployTokens.find(id);
  if (token?.place.kind !== place.kind || token.place.id !== place.id) throw new RefusedError('not-found');
  return token;
}

/** @throws RefusedError invalid */
function checkUsername(username: string): void {
  if (usernamePattern.test(username)) return;
  throw new RefusedError('invalid', {
    username: ["can contain only letters, digits, '_', '-', '+', and '.'"],
  });
}
