/** Who comes in and what they may do: credentials, tokens, keys, rights, and what stands in front of them. */
import { RegistryAccess } from '../api/access.ts';
import { Authenticator } from '../auth/credentials/authenticate.ts';
import type { Passwords } from '../auth/credentials/passwords.ts';
import type { SecretBox } from '../auth/credentials/secret-box.ts';
import { UserSessions } from '../auth/credentials/sessions.ts';
import { IdTokens } from '../auth/oidc/id-tokens.ts';
import type { PostForm } from '../auth/oidc/oidc-client.ts';
import type { FetchJson } from '../auth/oidc/oidc-discovery.ts';
import { OidcLogin } from '../auth/oidc/oidc-login.ts';
import { DenialCauses } from '../auth/rights/denial-causes.ts';
import { RecordedRepositoryRights } from '../auth/rights/repository-rights.ts';
import { GrantMetas } from '../auth/tokens/grant-meta.ts';
import { Principals } from '../auth/tokens/principals.ts';
import { RegistryTokens } from '../auth/tokens/registry-tokens.ts';
import type { TokenSigner } from '../auth/tokens/sign-token.ts';
import { SigningKeys } from '../auth/tokens/signing-keys.ts';
import { parseSuppliedKey } from '../auth/tokens/supplied-key.ts';
import type { SharedCache } from '../cache/shared.ts';
import type { Config } from '../config/config.ts';
import { readRegularFile } from '../config/regular-file.ts';
import { ConfigError } from '../config/settings.ts';
import { PersonalProjects } from '../management/namespaces/personal-namespaces.ts';
import { OidcPeople } from '../management/people/oidc-people.ts';
import { parseGroupRole } from '../management/people/oidc-roles.ts';
import { SignInService } from '../management/people/sign-in.ts';
import { CatalogService } from '../management/repositories/catalog.ts';
import type { ApplicationSettings } from '../management/server/application-settings.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { JsonDocuments } from '../outbound/json-documents.ts';
import { createDelegate } from './delegated-tokens.ts';
import { createGuards } from './guards.ts';
import type { Outbound } from './outbound.ts';
import { upstreamOptions } from './upstream-options.ts';

export interface AuthParts {
  readonly config: Config;
  readonly database: Database;
  readonly settings: ApplicationSettings;
  readonly outbound: Outbound;
  readonly shared: SharedCache;
  readonly passwords: Passwords;
  readonly secretBox: SecretBox;
  readonly oidcClientSecret: string | undefined;
  readonly log: Log;
  readonly now: () => number;
}

/** @throws where the secret key is another one than the database was written with */
export async function createAuth(parts: AuthParts) {
  const { config, database, settings, outbound, shared, passwords, secretBox, log, now } = parts;
  const documents = new JsonDocuments(upstreamOptions(config, outbound));
  const fetchJson: FetchJson = (url, signal) => documents.fetch(url, signal);
  const { required: isLoginRequired } = config.auth;
  const lifetimeMs = () => settings.tokenMs();
  if (!isLoginRequired) log.warn({}, 'auth.required is false: whoever reaches /v2 may pull, push and delete');
  const guards = createGuards({ rateLimits: config.rateLimits, database, shared, log, now });
  const { throttle, signIns: observer } = guards;
  const idTokens = new IdTokens({ ...database, fetchJson, log, now });
  const authenticator = new Authenticator({ ...database, passwords, idTokens, throttle, observer, log, now });
  const keys = new SigningKeys({ records: database.signingKeys, secretBox, lifetimeMs, now });
  await keys.current();
  const registryTokens = new RegistryTokens({
    keys,
    lifetimeMs,
    otherServices: config.auth.services,
    otherIssuer: config.auth.issuer,
    otherSigner: readSuppliedKey(config),
    now,
  });
  const delegate = await createDelegate({ config, fetchJson, log, now });
  const principals = new Principals({ ...database, now });
  const rights = new RecordedRepositoryRights({ ...database, principals, isLoginRequired, now });
  const grantMetas = new GrantMetas(database);
  const personalProjects = config.hosted.personalNamespaces
    ? new PersonalProjects({ database, settings, now })
    : undefined;
  const access = new RegistryAccess({
    authenticator,
    registryTokens,
    rights,
    causes: new DenialCauses({ ...database, principals }),
    principals,
    delegate,
    isLoginRequired,
    personalProjects,
    rateLimit: guards.registryRateLimit,
    countsPull: guards.countsPull,
    denials: observer,
  });
  const sessions = new UserSessions({ ...database, now });
  const oidc = await createOidc(parts, documents);
  return {
    guards,
    sessions,
    people: new SignInService({ authenticator, sessions, oidc, observer }),
    idTokens,
    authenticator,
    keys,
    registryTokens,
    rights,
    grantMetas,
    personalProjects,
    access,
    catalog: new CatalogService({
      ...database,
      principals,
      isLoginRequired,
      offReason: () => settings.offReason('hosted'),
    }),
    principals,
    /** Writes what is not written yet; before the database is closed. */
    async close(): Promise<void> {
      await documents.close();
      await guards.close();
    },
  };
}

/** Undefined where none is configured. @throws ConfigError where it is of no use; the system's error where it cannot be read */
export function readSuppliedKey({ auth: { key, certificate } }: Config): TokenSigner | undefined {
  if (key === undefined || certificate === undefined) return undefined;
  const [text, bundle] = [readRegularFile(key), readRegularFile(certificate)];
  try {
    return parseSuppliedKey(text, bundle);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError([{ origin: key, path: 'auth.key', message: error.message }]);
  }
}

/** Undefined where no OpenID provider is configured: then nothing of its protocol is loaded. */
async function createOidc(
  { config, oidcClientSecret: clientSecret, ...given }: AuthParts,
  documents: JsonDocuments,
) {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcCreateUsers: createsUsers } = config.auth;
  if (issuer === undefined || clientId === undefined) return undefined;
  const {
    oidcScopes: scopes,
    oidcUsernameClaim: usernameClaim,
    oidcGroupsClaim: groupsClaim,
    oidcGroupRoles,
  } = config.auth;
  const parts = {
    ...given,
    fetchJson: (url: URL, signal: AbortSignal) => documents.fetch(url, signal),
    postForm: (...[url, form, signal]: Parameters<PostForm>) => documents.post(url, form, signal),
  };
  const claims = { scopes, usernameClaim, groupsClaim };
  const { OidcClient } = await import('../auth/oidc/oidc-client.ts');
  const client = new OidcClient({ issuer, clientId, clientSecret, ...claims, ...parts });
  const groupRoles = oidcGroupRoles.flatMap((text) => parseGroupRole(text) ?? []);
  return {
    login: new OidcLogin({ client, ...parts }),
    people: new OidcPeople({ ...parts, createsUsers, groupRoles }),
  };
}

export type Auth = Awaited<ReturnType<typeof createAuth>>;
