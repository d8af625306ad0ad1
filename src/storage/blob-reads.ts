/** Blobs on their way to clients: from the store, from a cache in front of it, or from where clients get them by themselves. */
import type { Digest } from '../oci/digest.ts';
import type { BlobReader, StorageKey } from './blob-store.ts';

export interface ClientBlob extends BlobReader {
  /**
   * A URL where this client gets the bytes, good for a while; undefined: only we have them for it.
   * @param client its address
   */
  readonly urlFor?: ((client: string | undefined) => Promise<string | undefined>) | undefined;
}

export interface BlobReads {
  /** Undefined where there is no such copy. @param digest of the blob at this key */
  open(key: StorageKey, digest: Digest): Promise<ClientBlob | undefined>;
}
