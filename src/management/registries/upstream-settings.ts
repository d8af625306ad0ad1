/** Upstreams as records, whose passwords are sealed, and as settings, whose passwords are not. */
import { z } from 'zod';
import type { SecretBox } from '../../auth/credentials/secret-box.ts';
import type { Connection, UpstreamChanges, UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import { plainNetwork, type UpstreamNetwork, type UpstreamSettings } from '../../upstreams/upstream.ts';

export type UpstreamCredentials = NonNullable<UpstreamSettings['credentials']>;

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

  /** The sealed password is good for this URL only: whoever moves it to another upstream cannot open it. */
  seal(url: string, password: string): string {
    return this.#box.seal(password, contextOf(url));
  }

  /** Undefined for an anonymous upstream. @throws Error when the secret key is another one */
  open({
    url,
    username,
    passwordSealed,
  }: Pick<UpstreamRecord, 'url' | 'username' | 'passwordSealed'>): UpstreamCredentials | undefined {
    if (username === undefined || passwordSealed === undefined) return undefined;
    return { username, password: this.#box.open(passwordSealed, contextOf(url)) };
  }

  /** Whether these credentials are stored. Stored ones that cannot be opened any more are nobody's. */
  isStored(
    record: Pick<UpstreamRecord, 'url' | 'username' | 'passwordSealed'>,
    given: UpstreamCredentials | undefined,
  ): boolean {
    if (record.username !== given?.username) return false;
    try {
      return this.open(record)?.password === given?.password;
    } catch {
      return false;
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
      updatedAt,
    };
  }
}

/** A proxy without its login. */
export function shownProxy(proxy: string): string {
  return proxy === 'direct' ? proxy : new URL(proxy).origin;
}

function networkContextOf(url: string): string {
  return `upstream network ${url}`;
}

function contextOf(url: string): string {
  return `upstream ${url}`;
}
