/** Access tokens as GitLab shows them, whose ever they are, and what it takes to make one. */
import { z } from 'zod';
import type { TokenScope } from '../../auth/rights/identity.ts';
import type { AccessToken } from '../../metadata/tokens/access-tokens.ts';
import { date, dayText, instantText } from '../endpoint/dates.ts';
import { filled, list, maxDescriptionLength, maxNameLength, orNone, text } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';

/** One of the scopes, or more of them. */
export function someScopes<S extends string>(scopes: readonly S[]) {
  return list(z.enum(scopes), scopes.length).refine((given) => given.length > 0, 'is empty');
}

/** @param scopes that it may be given */
export function newAccessToken<S extends TokenScope>(scopes: readonly S[]) {
  return z.object({
    name: filled(maxNameLength),
    description: text(maxDescriptionLength).optional(),
    scopes: someScopes(scopes),
    expires_at: orNone(date),
  });
}

/** Parameters of a token that takes another's place. */
export const rotation = z.object({ expires_at: orNone(date) });

/** What a list of tokens may be narrowed down to. */
export const tokenState = z.enum(['active', 'inactive']);

export const accessTokenResponse = z
  .object({
    id: z.int(),
    name: z.string(),
    revoked: z.boolean(),
    created_at: instantText,
    description: z.string().nullable(),
    scopes: z.array(z.string()),
    user_id: z.int(),
    last_used_at: instantText.nullable(),
    active: z.boolean(),
    expires_at: dayText.nullable(),
  })
  .meta({ id: 'AccessToken' });

/** What is shown of a new token of any kind, and of no other. */
export const secret = { token: z.string().meta({ description: 'The secret, which is shown once' }) };

export const newAccessTokenResponse = accessTokenResponse.extend(secret).meta({ id: 'NewAccessToken' });

export function accessTokenBody(token: AccessToken, now: number): AnswerOf<typeof accessTokenResponse> {
  const isRevoked = token.revokedAt !== undefined;
  const isExpired = token.expiresAt !== undefined && token.expiresAt <= now;
  return { ...token, revoked: isRevoked, active: !isRevoked && !isExpired };
}
