/** Which blobs clients get from the object storage by themselves, and where. */
import { BlockList, isIP } from 'node:net';
import type { Log } from '../../observe/log.ts';
import type { Digest } from '../../oci/digest.ts';
import type { BlobReads, ClientBlob } from '../blob-reads.ts';
import type { StorageKey } from '../blob-store.ts';

export interface BlobUrls {
  /** Gives the bytes to whoever has it, until then; undefined: it is in no object storage. @param expiresAt epoch milliseconds */
  urlOf(key: StorageKey, expiresAt: number): Promise<string | undefined>;
}

export interface RedirectOptions {
  readonly reads: BlobReads;
  readonly urls: BlobUrls;
  /** Smaller blobs are ours to send. */
  readonly minBytes: number;
  /** In CIDR notation: where clients are that reach the object storage; none: all do. */
  readonly networks: readonly string[];
  readonly expiresMs: number;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class RedirectedReads implements BlobReads {
  readonly #options: RedirectOptions;
  readonly #networks: BlockList | undefined;

  constructor(options: RedirectOptions) {
    this.#options = options;
    this.#networks = options.networks.length === 0 ? undefined : listOf(options.networks);
  }

  /** What may be sent elsewhere is looked for: nobody finds it gone here. */
  async open(key: StorageKey, size: number | undefined, digest: Digest): Promise<ClientBlob | undefined> {
    const { reads, minBytes } = this.#options;
    const isOurs = size !== undefined && size < minBytes;
    const blob = await reads.open(key, isOurs ? size : undefined, digest);
    if (!blob || blob.size < minBytes) return blob;
    return {
      size: blob.size,
      readAt: (...asked) => blob.readAt(...asked),
      close: () => blob.close(),
      urlFor: (client) => this.#urlFor(key, client),
    };
  }

  /** Where no URL can be had, we have the bytes. */
  async #urlFor(key: StorageKey, client: string | undefined): Promise<string | undefined> {
    const { urls, expiresMs, log, now } = this.#options;
    if (!this.#reaches(client)) return undefined;
    try {
      return await urls.urlOf(key, now() + expiresMs);
    } catch (error) {
      log.warn({ err: error, key }, 'no URL can be made for a blob, which is sent from here');
      return undefined;
    }
  }

  #reaches(client: string | undefined): boolean {
    if (!this.#networks) return true;
    return client !== undefined && this.#networks.check(client, familyOf(client));
  }
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const end = network.indexOf('/');
    const base = network.slice(0, end);
    list.addSubnet(base, Number(network.slice(end + 1)), familyOf(base));
  }
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
