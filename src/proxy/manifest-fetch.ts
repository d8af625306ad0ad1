/** One manifest from one source into the records: at most one GET at a time for the same thing, whoever asks. */
import { SingleFlight } from '../concurrency/single-flight.ts';
import type { CacheEntries } from '../metadata/cached/cache-entries.ts';
import type { CacheEntry } from '../metadata/cached/cache-entry.ts';
import type { Manifests } from '../metadata/content/manifests.ts';
import { MissingOwner } from '../metadata/db/violations.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { type ParsedManifest, parseManifest, servedTypeOf } from '../oci/manifest.ts';
import { isManifestType, ociManifest } from '../oci/media-types.ts';
import type { Reference } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { FetchedManifest, ManifestHead } from '../upstreams/upstream.ts';
import { entrySource, type Source } from './source.ts';

/** A manifest with what is recorded of it; no entry where recording failed. */
export interface PulledManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly payload: Buffer;
  readonly entry: CacheEntry | undefined;
}

export interface ManifestFetchTools {
  readonly entries: Pick<CacheEntries, 'listByDigest' | 'saveManifest' | 'linkManifest'>;
  readonly manifests: Pick<Manifests, 'findPayload'>;
  /** On the disk. @throws where so many bytes more do not fit */
  readonly demandRoom: (bytes: number) => Promise<void>;
  readonly log: Log;
  readonly now: () => number;
}

export class ManifestFetch {
  readonly #tools: ManifestFetchTools;
  readonly #flights = new SingleFlight<PulledManifest>();

  constructor(tools: ManifestFetchTools) {
    this.#tools = tools;
  }

  /**
   * @param head what the source's upstream just said it has; the bytes are not fetched when they are here
   * @throws OutboundError
   */
  fetch(
    source: Source,
    reference: Reference,
    head?: ManifestHead,
    signal?: AbortSignal,
  ): Promise<PulledManifest> {
    const key = `${source.upstream.settings.id} ${source.repository} ${reference}`;
    const fetch = async (unwanted: AbortSignal) =>
      (head?.digest && (await this.#link(source, reference, head.digest))) ??
      this.#record(source, reference, head?.manifest ?? (await this.#get(source, reference, unwanted)));
    return this.#flights.run(key, fetch, signal).outcome;
  }

  /** The same repository gave this digest before, under another name. */
  async #link(source: Source, reference: Reference, digest: Digest): Promise<PulledManifest | undefined> {
    const { entries, manifests } = this.#tools;
    const [twin] = await entries.listByDigest([entrySource(source)], 'manifest', digest);
    const payload = twin && (await manifests.findPayload(digest));
    if (!twin || !payload) return undefined;
    const { size, etag } = twin;
    const mediaType = recordedTypeOf(twin.mediaType, payload);
    try {
      const link = { ...this.#entry(source, reference), digest, mediaType, size, etag };
      return { digest, mediaType, payload, entry: await entries.linkManifest(link) };
    } catch (error) {
      // Collected since it was found: fetched like any other.
      if (!(error instanceof MissingOwner)) throw error;
      return undefined;
    }
  }

  #get(
    { upstream, repository }: Source,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<FetchedManifest> {
    return upstream.getManifest(repository, reference, signal);
  }

  /** What has arrived is recorded, whoever left meanwhile. */
  async #record(source: Source, reference: Reference, fetched: FetchedManifest): Promise<PulledManifest> {
    const { digest, payload, etag } = fetched;
    const manifest = understand(payload, fetched.contentType);
    const { references } = manifest;
    const mediaType = servedTypeOf(manifest);
    const { entries, demandRoom } = this.#tools;
    const found = { ...this.#entry(source, reference), digest, mediaType, etag };
    const entry = await demandRoom(payload.length)
      .then(() => entries.saveManifest(found, payload, references))
      .catch((error: unknown) => {
        // The client is answered all the same: a cache that cannot remember is still a proxy.
        const upstream = source.upstream.settings.name;
        this.#tools.log.error(
          { err: error, upstream, repository: source.repository, reference },
          'manifest not recorded',
        );
        return undefined;
      });
    return { digest, mediaType, payload, entry };
  }

  #entry(source: Source, reference: Reference) {
    const kind = 'manifest' as const;
    return { ...entrySource(source), groupId: source.groupId, kind, reference, checkedAt: this.#tools.now() };
  }
}

/** Of a record, which may be older than the rule that nothing is served under another type than that of a manifest. */
export function recordedTypeOf(mediaType: string, payload: Buffer): string {
  if (isManifestType(mediaType)) return mediaType;
  try {
    return servedTypeOf(parseManifest(payload, undefined));
  } catch (error) {
    if (error instanceof OciError) return ociManifest;
    throw error;
  }
}

function understand(payload: Buffer, contentType: string | undefined): ParsedManifest {
  try {
    return parseManifest(payload, contentType);
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    throw new OutboundError('invalid', `sent no usable manifest: ${error.message}`);
  }
}
