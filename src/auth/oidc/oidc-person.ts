/** Who an OpenID provider says that someone is. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
import type { JWTPayload } from 'jose';

const maxTextLength = 255;
const maxGroups = 10_000;

export interface OidcPerson {
  readonly issuer: string;
  /** The provider's id of the person, theirs for ever; all else may change hands. */
  readonly subject: string;
  /** The username as it is written there; undefined where the token does not say. */
  readonly username: string | undefined;
  readonly name: string | undefined;
  /** The address, only where the provider has verified it. */
  readonly email: string | undefined;
  /** Groups that the person is in; empty too where the token does not say. */
  readonly groups: readonly string[];
}

export interface PersonClaims {
  readonly issuer: string;
  readonly usernameClaim: string;
  readonly groupsClaim: string;
}

/** @param claims of a token that was verified. @throws Error where it does not say whose it is */
export function personOf(
  claims: JWTPayload,
  { issuer, usernameClaim, groupsClaim }: PersonClaims,
): OidcPerson {
  const subject = textOf(claims.sub);
  if (subject === undefined) throw new Error('its subject is empty or too long');
  const groups: unknown = claims[groupsClaim];
  return {
    issuer,
    subject,
    username: textOf(claims[usernameClaim]),
    name: textOf(claims['name']),
    email: claims['email_verified'] === true ? textOf(claims['email']) : undefined,
    groups: Array.isArray(groups)
      ? groups.slice(0, maxGroups).filter((group): group is string => typeof group === 'string')
      : [],
  };
}

/** PostgreSQL takes no text with a NUL. */
function textOf(claim: unknown): string | undefined {
  const isText = typeof claim === 'string' && claim !== '' && claim.length <= maxTextLength;
  return isText && !/\p{Cc}/u.test(claim) ? claim : undefined;
}
