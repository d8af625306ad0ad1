/**
 * URLs of a content delivery network in front of the bucket, signed for CloudFront where there is a key.
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
 */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { StorageKey } from '../blob-store.ts';
import type { BlobUrls } from './redirects.ts';

export interface CdnOptions {
  /** In front of the object's path. */
  readonly baseUrl: string;
  /** Below the base; undefined: it is in no object storage. */
  readonly pathOf: (key: StorageKey) => string | undefined;
  readonly signer: CloudFrontSigner | undefined;
}

export class CdnUrls implements BlobUrls {
  readonly #options: CdnOptions;

  constructor(options: CdnOptions) {
    this.#options = options;
  }

  async urlOf(key: StorageKey, expiresAt: number): Promise<string | undefined> {
    const { baseUrl, pathOf, signer } = this.#options;
    const path = pathOf(key);
    if (path === undefined) return undefined;
    const url = `${baseUrl.replace(/\/+$/, '')}/${path}`;
    return signer ? signer.sign(url, expiresAt) : url;
  }
}

export class CloudFrontSigner {
  readonly #keyPairId: string;
  readonly #key: KeyObject;

  /** @param pem of the private key, RSA. @throws Error where it is none */
  constructor(keyPairId: string, pem: string) {
    this.#keyPairId = keyPairId;
    this.#key = createPrivateKey(pem);
  }

  /** @param expiresAt epoch milliseconds */
  sign(url: string, expiresAt: number): string {
    const expires = Math.floor(expiresAt / 1000);
    const condition = { DateLessThan: { 'AWS:EpochTime': expires } };
    const policy = JSON.stringify({ Statement: [{ Resource: url, Condition: condition }] });
    const query = new URLSearchParams({
      Expires: String(expires),
      // CloudFront knows no other digest of RSA.
      Signature: inUrl(sign('sha1', Buffer.from(policy), this.#key)),
      'Key-Pair-Id': this.#keyPairId,
    });
    return `${url}?${query}`;
  }
}

/** Base64 with characters that mean nothing in URLs. */
function inUrl(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('=', '_').replaceAll('/', '~');
}
