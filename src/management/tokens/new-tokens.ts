/** What making tokens has alike, whatever they are good for. */
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Place } from '../../metadata/namespaces/place.ts';
import type { User } from '../../metadata/people/users.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import type { Need } from '../acting/needs.ts';
import { RefusedError } from '../acting/refused-error.ts';

export interface TokenServiceOptions {
  readonly database: Database;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface NewToken<T> {
  readonly record: T;
  /** The token itself, which nobody can read again. */
  readonly token: string;
}

/** Owners have to do with the tokens of a group, Maintainers with those of a project. */
export const placeTokenNeeds = { group: 'own', project: 'write' } as const satisfies Record<
  Place['kind'],
  Need
>;

/** @throws RefusedError invalid */
export function demandLater(expiresAt: number | undefined, now: number): void {
  if (expiresAt === undefined || expiresAt > now) return;
  throw new RefusedError('invalid', { expires_at: ['must be in the future'] });
}

/**
 * What is known of whoever asks is believed for a second, which is too long where something is made that lasts: a token that was revoked
 * within it has no successor.
 * @throws RefusedError unauthorized
 */
export async function demandStillGood(
  { users, accessTokens }: Pick<Records, 'users' | 'accessTokens'>,
  actor: Actor,
): Promise<User> {
  const { userId, tokenId } = userOf(actor);
  const user = await users.find(userId);
  const token = tokenId === undefined ? undefined : await accessTokens.find(tokenId);
  const isRevoked = tokenId !== undefined && (!token || token.revokedAt !== undefined);
  if (user?.state !== 'active' || isRevoked) throw new RefusedError('unauthorized');
  return user;
}
