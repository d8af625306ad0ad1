/** Upstreams as records, whose passwords are sealed, and as settings, whose passwords are not. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { SecretBox } from '../../auth/credentials/secret-box.ts';
import type { Connection, UpstreamChanges, UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import type { CloudProvider } from '../../upstreams/clouds/cloud-identity.ts';
import { isCloud } from '../../upstreams/clouds/upstream-login.ts';
import {
  plainNetwork,
  type QuarantineSettings,
  type UpstreamNetwork,
  type UpstreamSettings,
} from '../../upstreams/upstream.ts';

export type QuarantineFields = Pick<
  UpstreamRecord,
  'minAgeHours' | 'minAgeExemptPatterns' | 'minAgeExemptDigests' | 'minAgeTrustCreated'
>;

export type UpstreamCredentials = NonNullable<UpstreamSettings['credentials']>;

/** As records have them. */
export type SealedCredentials = Required<Pick<UpstreamChanges, 'username' | 'passwordSealed' | 'identity'>>;
type StoredCredentials = Pick<Connection, 'url' | 'username' | 'passwordSealed'> &
  Partial<Pick<UpstreamRecord, 'identity'>>;

/** As records have it. */
export type SealedNetwork = Required<
  Pick<
    UpstreamChanges,
    'proxy' | 'caCertificate' | 'clientCertificate' | 'tlsVerify' | 'headerNames' | 'networkSealed'
  >
>;

const secretsSchema = z.object({
  proxy: z.string().optional(),
  clientKey: z.string().optional(),
  headers: z.record(z.string(), z.string()),
});

export class UpstreamSecrets {
  readonly #box: SecretBox;

  constructor(box: SecretBox) {
    this.#box = box;
  }

  /** What is sealed is good for this URL only: whoever moves it to another upstream cannot open it. */
  seal(url: string, credentials: UpstreamCredentials | undefined): SealedCredentials {
    if (credentials === undefined) return { username: null, passwordSealed: null, identity: null };
    if (isCloud(credentials)) {
      const { secret, ...identity } = credentials;
      const sealed = secret === undefined ? null : this.#box.seal(secret, contextOf(url, identity.provider));
      return { username: null, passwordSealed: sealed, identity };
    }
    const { provider, username, password } = credentials;
    const identity = provider === 'harbor-robot' ? { provider } : null;
    return { username, passwordSealed: this.#box.seal(password, contextOf(url)), identity };
  }

  /** Undefined for an anonymous upstream. @throws Error when the secret key is another one */
  open({ url, username, passwordSealed, identity }: StoredCredentials): UpstreamCredentials | undefined {
    if (identity !== undefined && identity.provider !== 'harbor-robot') {
      const { provider } = identity;
      if (passwordSealed === undefined) return { ...identity, provider };
      return { ...identity, provider, secret: this.#box.open(passwordSealed, contextOf(url, provider)) };
    }
    if (username === undefined || passwordSealed === undefined) return undefined;
    return { ...identity, username, password: this.#box.open(passwordSealed, contextOf(url)) };
  }

  /** Whether these credentials are stored. Stored ones that cannot be opened any more are nobody's. */
  isStored(record: StoredCredentials, given: UpstreamCredentials | undefined): boolean {
    try {
      return isDeepStrictEqual(partsOf(this.open(record)), partsOf(given));
    } catch {
      return false;
    }
  }

  /** As {@link open}; undefined for what cannot be opened any more, too. */
  find(record: StoredCredentials): UpstreamCredentials | undefined {
    try {
      return this.open(record);
    } catch {
      return undefined;
    }
  }

  /** As it is kept: what is secret is good for this URL only. */
  sealNetwork(url: string, network: UpstreamNetwork): SealedNetwork {
    const { proxy, caCertificate, clientCertificate, tlsVerify, headers } = network;
    const headerNames = Object.keys(headers);
    const hasSecrets = proxy !== undefined || clientCertificate !== undefined || headerNames.length > 0;
    const secrets = JSON.stringify({ proxy, clientKey: clientCertificate?.key, headers });
    return {
      proxy: proxy === undefined ? null : shownProxy(proxy),
      caCertificate: caCertificate ?? null,
      clientCertificate: clientCertificate?.certificate ?? null,
      tlsVerify,
      headerNames,
      networkSealed: hasSecrets ? this.#box.seal(secrets, networkContextOf(url)) : null,
    };
  }

  /** @throws Error when the secret key is another one */
  openNetwork(record: Connection): UpstreamNetwork {
    const { url, caCertificate, clientCertificate: certificate, tlsVerify, networkSealed } = record;
    if (networkSealed === undefined) return { ...plainNetwork, caCertificate, tlsVerify };
    const {
      proxy,
      clientKey: key,
      headers,
    } = secretsSchema.parse(JSON.parse(this.#box.open(networkSealed, networkContextOf(url))));
    const clientCertificate =
      certificate === undefined || key === undefined ? undefined : { certificate, key };
    return { proxy, caCertificate, clientCertificate, tlsVerify, headers };
  }

  /** @throws Error when the secret key is another one */
  settingsOf(record: UpstreamRecord): UpstreamSettings {
    const { tokenHost, stripPrefix, addPrefix } = record;
    const { id, name, url, allowPatterns, denyPatterns, allowPrivateNetwork, cacheValidityHours, updatedAt } =
      record;
    return {
      id,
      name,
      url,
      credentials: this.open(record),
      tokenHost,
      stripPrefix,
      addPrefix,
      allowPatterns,
      denyPatterns,
      allowPrivateNetwork,
      network: this.openNetwork(record),
      cacheValidityHours,
      quarantine: quarantineOf(record),
      updatedAt,
    };
  }
}

const hourMs = 60 * 60 * 1000;

/** Undefined where there is none. */
export function quarantineOf(record: QuarantineFields): QuarantineSettings | undefined {
  if (record.minAgeHours === 0) return undefined;
  return {
    minAgeMs: record.minAgeHours * hourMs,
    exemptPatterns: record.minAgeExemptPatterns,
    exemptsDigests: record.minAgeExemptDigests,
    trustsCreated: record.minAgeTrustCreated,
  };
}

/** A proxy without its login. */
export function shownProxy(proxy: string): string {
  return proxy === 'direct' ? proxy : new URL(proxy).origin;
}

/** What makes credentials others: what people call them does not. */
function partsOf(credentials: UpstreamCredentials | undefined) {
  if (credentials === undefined || isCloud(credentials)) return credentials;
  return { username: credentials.username, password: credentials.password };
}

function networkContextOf(url: string): string {
  return `upstream network ${url}`;
}

/** @param provider of a cloud, whose secrets are no passwords */
function contextOf(url: string, provider?: CloudProvider): string {
  return provider === undefined ? `upstream ${url}` : `upstream ${provider} ${url}`;
}
