/** Credentials that someone gives an upstream, put together with those that it has, and to whom they may be sent. */
import { isDeepStrictEqual } from 'node:util';
import { isAdministrator } from '../../auth/rights/access.ts';
import {
  ambientFault,
  type CloudRules,
  findCloudPlace,
  strangerFault,
} from '../../upstreams/clouds/cloud-identity.ts';
import { isCloud } from '../../upstreams/clouds/upstream-login.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { type CredentialsInput, parseProvided } from './cloud-credentials.ts';
import type { UpstreamCredentials } from './upstream-settings.ts';

/** What is undefined is not said; null and an empty text neither, but for null in place of all credentials. */
export interface GivenCredentials {
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
  readonly credentials?: CredentialsInput | undefined;
}

/** Whether anything is said of them. */
export function hasCredentials({ username, password, credentials }: GivenCredentials): boolean {
  return Boolean(username || password) || credentials !== undefined;
}

/** @throws RefusedError parameters unless both or none are given, or said twice; invalid */
export function parseCredentials(given: GivenCredentials): UpstreamCredentials | undefined {
  const { username, password } = given;
  const provided = findProvided(given);
  if (provided !== undefined) return provided ?? undefined;
  if (!username && !password) return undefined;
  if (username && password) return { username, password };
  throw new RefusedError('parameters', 'username, password provide all or none of parameters');
}

/** @throws RefusedError invalid where a local upstream, which nobody logs in to, is given credentials */
export function demandNoCredentials({ username, password, credentials }: GivenCredentials): void {
  const fault = ['must be blank: an upstream on this server needs no credentials'];
  if (username || password || credentials) {
    throw new RefusedError('invalid', {
      ...(username && { username: fault }),
      ...(password && { password: fault }),
      ...(credentials && { credentials: fault }),
    });
  }
}

/**
 * What is stored after a change. Stored credentials are never kept for another URL, where they would be sent to someone
 * who was not meant to have them.
 * @throws RefusedError invalid when one of the two is given and the other is not stored
 */
export function changeCredentials(
  given: GivenCredentials,
  findStored: () => UpstreamCredentials | undefined,
  isUrlChanged: boolean,
): UpstreamCredentials | undefined {
  const { username, password } = given;
  const provided = findProvided(given);
  if (provided !== undefined) return provided ?? undefined;
  if (username && password) return { username, password };
  if (isUrlChanged) return undefined;
  const stored = findStored();
  if (!username && !password) return stored;
  if (!stored || isCloud(stored)) throw missing(username ? 'password' : 'username');
  return { ...stored, username: username || stored.username, password: password || stored.password };
}

/**
 * What a connection is tested with: what is stored where nothing else is said, nothing at another URL.
 * @throws RefusedError invalid when one of the two is changed without the other
 */
export function tryCredentials(
  given: GivenCredentials,
  findStored: () => UpstreamCredentials | undefined,
  isUrlChanged: boolean,
): UpstreamCredentials | undefined {
  const { username, password } = given;
  const provided = findProvided(given);
  if (provided !== undefined) return provided ?? undefined;
  if (username && password) return { username, password };
  if (!username && password) throw missing('username');
  const stored = isUrlChanged ? undefined : findStored();
  if (username && (!stored || isCloud(stored) || username !== stored.username)) throw missing('password');
  return stored;
}

/**
 * Logins of a cloud are for its own registries alone. That the server uses its own identity there needs an administrator, as all that it may
 * read can then be pulled by whoever may pull from the upstream, and the settings, which name the registry.
 * @param stored of the same URL
 * @throws RefusedError invalid, forbidden
 */
export function demandOwnCloud(
  actor: Actor,
  url: string,
  credentials: UpstreamCredentials | undefined,
  stored: UpstreamCredentials | undefined,
  rules: CloudRules,
): void {
  if (!isCloud(credentials)) return;
  const registry = new URL(url);
  const place = findCloudPlace(credentials.provider, registry, rules);
  const fault =
    place === undefined
      ? strangerFault(credentials.provider, registry)
      : ambientFault(credentials, registry, rules);
  if (fault !== undefined) throw new RefusedError('invalid', { credentials: [`are refused: ${fault}`] });
  const isKept = isDeepStrictEqual(credentials, stored);
  if (credentials.secret === undefined && !isKept && !isAdministrator(userOf(actor), 'write'))
    throw new RefusedError(
      'forbidden',
      'only administrators may have an upstream use the identity of the server',
    );
}

/** Null: none. */
function findProvided({
  credentials,
  username,
  password,
}: GivenCredentials): UpstreamCredentials | null | undefined {
  if (credentials === undefined || credentials === null) return credentials;
  if (username || password)
    throw new RefusedError('parameters', 'credentials, username are mutually exclusive');
  return parseProvided(credentials);
}

function missing(attribute: 'username' | 'password'): RefusedError {
  return new RefusedError('invalid', { [attribute]: ["can't be blank"] });
}
