/**
 * The public keys of a token issuer, from its JWKS, which is named or discovered.
 * https://www.rfc-editor.org/rfc/rfc7517#section-5, https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
 */
import { type CryptoKey, createLocalJWKSet, errors, type JWSHeaderParameters, type LocalJWKSet } from 'jose';
import { z } from 'zod';
import type { Log } from '../../observe/log.ts';
import { discover, endpoint, type FetchJson } from './oidc-discovery.ts';
import { RemoteDocument } from './remote-document.ts';

const maxKeys = 100;

export interface KeySource {
  /** The issuer as in the `iss` of its tokens. */
  readonly issuer: string;
  /** Undefined: the issuer's discovery document says where its keys are. */
  readonly jwksUrl: string | undefined;
}

export interface RemoteKeysOptions extends KeySource {
  readonly fetchJson: FetchJson;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(maxKeys) });
const publisher = z.object({ issuer: z.string(), jwks_uri: endpoint });

export class RemoteKeys {
  readonly #published: RemoteDocument<LocalJWKSet>;

  constructor({ issuer, jwksUrl, fetchJson, log, now }: RemoteKeysOptions) {
    this.#published = new RemoteDocument({
      fetch: async (signal) => {
        const url = jwksUrl ?? (await discover(publisher, issuer, fetchJson, signal)).jwks_uri;
        return createLocalJWKSet(keySet.parse(await fetchJson(new URL(url), signal)));
      },
      onFailure: (err) =>
        log.warn({ err, issuer, jwksUrl }, 'the keys of a token issuer could not be fetched'),
      now,
    });
  }

  /** Finds a key for jose's verifying functions. @throws JOSEError where there is no such key, or none can be had */
  readonly get = async (header: JWSHeaderParameters): Promise<CryptoKey> => {
    const known = await this.#find(header);
    if (known) return known;
    await this.#published.renew();
    const found = await this.#find(header);
    if (!found) throw new errors.JWKSNoMatchingKey();
    return found;
  };

  async #find(header: JWSHeaderParameters): Promise<CryptoKey | undefined> {
    try {
      const keys = await this.#published.get();
      return await keys(header);
    } catch {
      // An error of any kind may come: what an issuer publishes may be no usable key at all.
      return undefined;
    }
  }
}
