/** Requests to Google Cloud Storage with the credentials of a key file, or those that its machines and clusters give. */
import type { Storage } from '@google-cloud/storage';
import type { GoogleAuth } from 'google-auth-library';

export interface GcsSettings {
  readonly bucket: string;
  /** In front of all keys; empty: none. */
  readonly rootDirectory: string;
  /** JSON of a service account; undefined: what the environment, the cluster or the machine says. */
  readonly keyFile: string | undefined;
  /** Undefined: that of the public cloud. */
  readonly endpoint: string | undefined;
}

type AuthorizedRequests = Pick<GoogleAuth, 'request'>;
type Ask = Parameters<GoogleAuth['request']>[0];

const publicEndpoint = 'https://storage.googleapis.com';
const retryConfig = {
  retry: 3,
  retryDelay: 500,
  httpMethodsToRetry: ['GET', 'POST', 'PUT', 'DELETE'],
  statusCodesToRetry: [
    [408, 408],
    [429, 429],
    [500, 599],
  ],
};

export class GcsClient {
  readonly storage: Storage;
  readonly endpoint: string;
  readonly #requests: AuthorizedRequests;

  constructor(storage: Storage, endpoint: string, requests: AuthorizedRequests) {
    this.storage = storage;
    this.endpoint = endpoint;
    this.#requests = requests;
  }

  /** Loads the packages of the cloud. @throws Error where they are not installed */
  static async open({ keyFile, endpoint = publicEndpoint }: GcsSettings): Promise<GcsClient> {
    const { Storage: Service } = await import('@google-cloud/storage');
    const service = new Service({
      apiEndpoint: endpoint,
      ...(keyFile !== undefined && { keyFilename: keyFile }),
    });
    if (!endpoint.startsWith('http://')) return new GcsClient(service, endpoint, service.authClient);
    // Tokens are for nobody who can be overheard: emulators ask for none.
    const { PassThroughClient: Open } = await import('google-auth-library');
    return new GcsClient(service, endpoint, new Open());
  }

  /** @throws GaxiosError, and what getting a token throws */
  ask(options: Ask): ReturnType<GoogleAuth['request']> {
    return this.#requests.request({ retryConfig, ...options });
  }
}
