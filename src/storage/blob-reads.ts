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
  /**
   * As {@link BlobStore.open}, of a recorded copy.
   * @param size as recorded, in bytes; undefined: it is looked for
   */
  open(key: StorageKey, size: number | undefined, digest: Digest): Promise<ClientBlob | undefined>;
}
