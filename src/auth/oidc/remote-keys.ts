/**
 * The public keys of a token issuer, from its JWKS, which is named or discovered. However many tokens name unknown keys, the
 * issuer is asked at most once per interval; while it is down, the keys it published last are good for another day.
 * https://www.rfc-editor.org/rfc/rfc7517#section-5, https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
 */
import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type LocalJWKSet,
} from 'jose';
import { z } from 'zod';
import type { Log } from '../../observe/log.ts';

/** Between two attempts, whatever became of the first. */
const intervalMs = 10_000;
/** For discovery and keys together. */
const timeoutMs = 5_000;
/** After that the keys are asked for again even where all are known, so that a key taken back ends. */
const believedMs = 10 * 60_000;
const maxStaleMs = 24 * 3_600_000;
const maxKeys = 100;

/** Bounds what it reads, and heeds the signal. */
export type FetchJson = (url: URL, signal: AbortSignal) => Promise<unknown>;

export interface KeySource {
  /** As in the `iss` of its tokens. */
  readonly issuer: string;
  /** Undefined: what the issuer's discovery document says. */
  readonly jwksUrl: string | undefined;
}

export interface RemoteKeysOptions extends KeySource {
  readonly fetchJson: FetchJson;
  readonly log: Log;
  /** epoch ms */
  readonly now: () => number;
}

const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(maxKeys) });
const discovery = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });

export class RemoteKeys {
  readonly #options: RemoteKeysOptions;
  #keys: LocalJWKSet | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  /** For jose's verifying functions. @throws JOSEError where there is no such key, or none can be had */
  readonly get = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    if (this.#ageMs() > believedMs) await this.#ask();
    const known = await this.#find(header, token);
    if (known) return known;
    await this.#ask();
    const found = await this.#find(header, token);
    if (!found) throw new errors.JWKSNoMatchingKey();
    return found;
  };

  #ageMs(): number {
    return this.#options.now() - this.#fetchedAt;
  }

  async #find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey | undefined> {
    if (!this.#keys || this.#ageMs() > maxStaleMs) return undefined;
    try {
      return await this.#keys(header, token);
    } catch {
      // What an issuer publishes may be no usable key at all, and then any kind of error comes.
      return undefined;
    }
  }

  /** Never fails: what was known before stays. */
  async #ask(): Promise<void> {
    const { now } = this.#options;
    if (!this.#asking && now() - this.#askedAt < intervalMs) return;
    this.#askedAt = now();
    this.#asking ??= this.#fetch().finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
  }

  async #fetch(): Promise<void> {
    const { issuer, jwksUrl, fetchJson, log, now } = this.#options;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const url = jwksUrl === undefined ? await this.#discover(signal) : new URL(jwksUrl);
      this.#keys = createLocalJWKSet(keySet.parse(await fetchJson(url, signal)));
      this.#fetchedAt = now();
    } catch (err) {
      log.warn({ err, issuer, jwksUrl }, 'the keys of a token issuer could not be fetched');
    }
  }

  async #discover(signal: AbortSignal): Promise<URL> {
    const { issuer, fetchJson } = this.#options;
    const at = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const said = discovery.parse(await fetchJson(at, signal));
    if (said.issuer !== issuer) throw new Error(`the discovery document is that of another issuer`);
    const url = new URL(said.jwks_uri);
    if (at.protocol === 'https:' && url.protocol !== 'https:') {
      throw new Error('the discovery document leads from https to http');
    }
    return url;
  }
}
