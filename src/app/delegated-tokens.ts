/** Wires the token service that hosted repositories are delegated to, where one is configured. */
import type { DelegatedTokens } from '../api/identify-client.ts';
import type { FetchJson } from '../auth/oidc/oidc-discovery.ts';
import { RemoteKeys } from '../auth/oidc/remote-keys.ts';
import { CertificateKeys } from '../auth/tokens/certificate-keys.ts';
import { ExternalTokens, type FindKeys } from '../auth/tokens/external-tokens.ts';
import type { Config } from '../config/config.ts';
import { readRegularFile } from '../config/regular-file.ts';
import { ConfigError } from '../config/settings.ts';
import type { Log } from '../observe/log.ts';

export interface DelegationParts {
  readonly config: Config;
  readonly fetchJson: FetchJson;
  readonly log: Log;
  readonly now: () => number;
}

/** @throws ConfigError where the certificates are of no use; the system's error where they cannot be read */
export async function createDelegate(parts: DelegationParts): Promise<DelegatedTokens | undefined> {
  const { tokenRealm: realm, tokenService: service, tokenIssuer: issuer } = parts.config.auth;
  if (realm === undefined || service === undefined || issuer === undefined) return undefined;
  const keys = await keysOf(parts, issuer);
  return { realm, service, tokens: new ExternalTokens({ service, issuer, keys, now: parts.now }) };
}

async function keysOf({ config, ...parts }: DelegationParts, issuer: string): Promise<FindKeys> {
  const certificates = await readTrustedKeys(config);
  if (certificates !== undefined) return certificates.find;
  const remote = new RemoteKeys({ issuer, jwksUrl: config.auth.tokenJwksUrl, ...parts });
  return async (header) => [await remote.get(header)];
}

/** Undefined where no certificates are configured. @throws ConfigError where they are of no use; the system's error where they cannot be read */
export async function readTrustedKeys({ auth }: Config): Promise<CertificateKeys | undefined> {
  const { tokenRootcertbundle: file } = auth;
  if (file === undefined) return undefined;
  const bundle = readRegularFile(file);
  try {
    return await CertificateKeys.parse(bundle);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError([{ origin: file, path: 'auth.token_rootcertbundle', message: error.message }]);
  }
}
