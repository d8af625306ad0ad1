/**
 * What is done with access tokens in a transaction that checked the rights, whether they are a person's own or those of a
 * group or project, which are tokens of a bot that has no other.
 */
import type { TokenScope } from '../../auth/rights/identity.ts';
import { createToken, hashToken } from '../../auth/tokens/token-secret.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Place } from '../../metadata/namespaces/place.ts';
import type { User } from '../../metadata/people/users.ts';
import type { AccessToken } from '../../metadata/tokens/access-tokens.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { auditPlaceOf, ownerOf } from '../namespaces/places.ts';
import { demandLater, demandStillGood, type NewToken } from './new-tokens.ts';

export interface AccessTokenInput {
  readonly name: string;
  readonly description?: string | undefined;
  readonly scopes: readonly TokenScope[];
  /** Epoch milliseconds; undefined: never. */
  readonly expiresAt?: number | undefined;
}

const dayMs = 24 * 60 * 60 * 1000;
/** A token that takes another's place lasts so long, as at GitLab. */
const rotatedDays = 7;

/** @param token its text, where the operator chose it */
export async function recordAccessToken(
  tx: Records,
  actor: Actor,
  owner: User,
  { name, description, scopes, expiresAt }: AccessTokenInput,
  token: string = createToken('access'),
): Promise<NewToken<AccessToken>> {
  const tokenHash = hashToken(token);
  const record = await tx.accessTokens.create({
    userId: owner.id,
    name,
    description,
    tokenHash,
    scopes,
    expiresAt,
  });
  const details = { name, userId: owner.id, scopes, expiresAt };
  await recordOf(tx, actor, 'create', record, owner, details);
  return { record, token };
}

/**
 * @param expiresAt epoch milliseconds; undefined: in a week
 * @throws RefusedError invalid, bad-request where it is not good any more
 */
export async function rotateAccessToken(
  tx: Records,
  actor: Actor,
  old: AccessToken,
  expiresAt: number | undefined,
  now: number,
): Promise<NewToken<AccessToken>> {
  demandLater(expiresAt, now);
  const owner = await tx.users.find(old.userId);
  const isExpired = old.expiresAt !== undefined && old.expiresAt <= now;
  if (!owner || isExpired || !(await tx.accessTokens.revoke(old.id))) {
    throw new RefusedError('bad-request', 'the token is revoked or expired');
  }
  const token = createToken('access');
  const record = await tx.accessTokens.create({
    userId: old.userId,
    name: old.name,
    description: old.description,
    tokenHash: hashToken(token),
    scopes: old.scopes,
    expiresAt: expiresAt ?? (Math.floor(now / dayMs) + rotatedDays) * dayMs,
  });
  const details = { name: old.name, userId: old.userId, newId: record.id, expiresAt: record.expiresAt };
  await recordOf(tx, actor, 'rotate', old, owner, details);
  return { record, token };
}

/** The token is refused at once; it may have been revoked before. A bot has no role without its token. */
export async function revokeAccessToken(tx: Records, actor: Actor, token: AccessToken): Promise<void> {
  const owner = await tx.users.find(token.userId);
  if (!(await tx.accessTokens.revoke(token.id)) || !owner) return;
  const place = await findPlaceOf(tx, owner);
  if (place) await tx.members.remove(ownerOf(place), owner.id);
  await recordOf(tx, actor, 'revoke', token, owner, { name: token.name, userId: owner.id });
}

/** Only people make tokens: what leaks of a machine's token ends with that token. @throws RefusedError unauthorized, forbidden */
export async function demandPerson(
  records: Pick<Records, 'users' | 'accessTokens'>,
  actor: Actor,
): Promise<void> {
  const { kind } = await demandStillGood(records, actor);
  if (kind === 'human') return;
  throw new RefusedError('forbidden', 'group and project access tokens cannot make other access tokens');
}

async function recordOf(
  tx: Records,
  actor: Actor,
  verb: 'create' | 'rotate' | 'revoke',
  { id }: AccessToken,
  owner: User,
  details: Readonly<Record<string, unknown>>,
): Promise<void> {
  const place = await findPlaceOf(tx, owner);
  const kind = place?.kind ?? 'personal';
  const where = place && auditPlaceOf(place);
  await recordChange(tx, actor, { action: `${kind}_access_token.${verb}`, targetId: id, details, ...where });
}

/** Undefined for people. */
async function findPlaceOf(
  { groups, projects }: Pick<Records, 'groups' | 'projects'>,
  { botGroupId, botProjectId }: User,
): Promise<Place | undefined> {
  if (botGroupId !== undefined) {
    const group = await groups.find(botGroupId);
    return group && { kind: 'group', id: group.id, fullPath: group.fullPath };
  }
  const project = botProjectId === undefined ? undefined : await projects.find(botProjectId);
  return project && { kind: 'project', id: project.id, fullPath: project.fullPath };
}
