/**
 * How processes of one installation know each other: by the secret key, which all of them have. A request is signed for the process that
 * it is meant for, and the answer for the request, so that whoever got the address of a process that is gone learns nothing and is not
 * believed. It hides nothing: the network between processes is private, as the one to the database is.
 */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const keyBytes = 32;
const nonceBytes = 16;
const scheme = 'Entrepot ';

/** The headers of requests and answers. */
export const nonceHeader = 'entrepot-nonce';
export const signatureHeader = 'entrepot-signature';

/** What is asked of which process. */
export interface SignedRequest {
  /** The id of the process that is asked. */
  readonly to: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly nonce: string;
}

export class ClusterSecret {
  readonly #key: Uint8Array;

  /** @param secretKey of the installation */
  constructor(secretKey: Uint8Array) {
    this.#key = new Uint8Array(hkdfSync('sha256', secretKey, '', 'entrepot cluster', keyBytes));
  }

  createNonce(): string {
    return randomBytes(nonceBytes).toString('base64url');
  }

  /** The Authorization header of a request. */
  authorizationOf(request: SignedRequest): string {
    return scheme + this.#sign('request', request).toString('base64url');
  }

  /** What a process adds to its answer. */
  signatureOf(request: SignedRequest): string {
    return this.#sign('answer', request).toString('base64url');
  }

  /** @param authorization as it came */
  isRequest(request: SignedRequest, authorization: string | undefined): boolean {
    if (!authorization?.startsWith(scheme)) return false;
    return isSame(this.#sign('request', request), authorization.slice(scheme.length));
  }

  /** @param signature as it came */
  isAnswer(request: SignedRequest, signature: string | undefined): boolean {
    return isSame(this.#sign('answer', request), signature ?? '');
  }

  #sign(what: string, { to, method, path, nonce }: SignedRequest): Buffer {
    return createHmac('sha256', this.#key).update([what, to, method, path, nonce].join('\n')).digest();
  }
}

function isSame(expected: Buffer, text: string): boolean {
  const given = Buffer.from(text, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
