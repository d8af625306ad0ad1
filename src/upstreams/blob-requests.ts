/** Blobs are asked for by HEAD and by GET, in whole and in parts, in the ways that registries are known to understand. */
import { algorithmOf, type Digest, digestOf } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { BlobBody, type BlobBodyOptions, parsePart, rangeHeader } from './blob-transfer.ts';
import { openCoded } from './coded-blob.ts';
import { headMisunderstood } from './manifest-requests.ts';
import type { Registry } from './registry.ts';
import type { BlobRange, OpenedBlob } from './upstream.ts';

export interface BlobRequestOptions {
  readonly registry: Registry;
  readonly pace: Pick<BlobBodyOptions, 'windowMs' | 'minBytesPerSecond' | 'now'>;
}

export class BlobRequests {
  readonly #options: BlobRequestOptions;

  constructor(options: BlobRequestOptions) {
    this.#options = options;
  }

  /** The size in bytes, where the upstream says it; by GET where HEAD says nothing that can be. */
  async head(
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal | undefined,
  ): Promise<number | undefined> {
    const statuses = [200, ...headMisunderstood];
    const request = { ...this.#request('HEAD', repository, digest), kind: 'blob-head', statuses } as const;
    const { status, length, codings } = await this.#options.registry.ask(request, signal, (answer) => {
      answer.discard();
      return answer;
    });
    if (!headMisunderstood.includes(status)) {
      if (codings.length > 0) return undefined;
      if (length !== 0 || digestOf(Buffer.alloc(0), algorithmOf(digest)) === digest) return length;
    }
    const opened = await this.open(repository, digest, { start: 0 }, signal);
    opened.close();
    return opened.size;
  }

  /**
   * Some registries know no range without an end, some no ranges at all, and say so in all kinds of ways: the whole is what they all know.
   * @throws OutboundError or the signal's reason
   */
  async open(
    repository: RepositoryName,
    digest: Digest,
    range: BlobRange,
    signal: AbortSignal | undefined,
  ): Promise<OpenedBlob> {
    for (const part of partsOf(range)) {
      try {
        return await this.#open(repository, digest, part, signal);
      } catch (error) {
        if (!(error instanceof OutboundError) || !error.isRefusal) throw error;
      }
    }
    return this.#open(repository, digest, { start: 0, size: range.size }, signal);
  }

  async #open(
    repository: RepositoryName,
    digest: Digest,
    range: BlobRange,
    signal: AbortSignal | undefined,
  ): Promise<OpenedBlob> {
    const target = this.#request('GET', repository, digest);
    const headers = rangeHeader(range);
    const statuses = [200, 206];
    const request = { ...target, kind: 'blob', headers, statuses, isTransfer: true } as const;
    const { registry, pace } = this.#options;
    const { answer, part, body } = await registry.ask(request, signal, (taken, ticket) => {
      const said = parsePart(taken, range);
      const onBytes = (count: number) => registry.health.arrived(count);
      const onFailure = (error: unknown) => registry.health.failed(ticket, error);
      const sent = new BlobBody({ ...pace, answer: taken, expected: said.length, onBytes, onFailure });
      return { answer: taken, part: said, body: sent };
    });
    const { start, length, size } = part;
    const close = () => body.close();
    const { codings, status } = answer;
    if (codings.length === 0 || status === 206) return { start, size, body, close };
    return { ...(await openCoded(body, { digest, codings, length, size: range.size })), start, close };
  }

  #request(method: 'GET' | 'HEAD', repository: RepositoryName, digest: Digest) {
    return { method, url: this.#options.registry.urlOf(`${repository}/blobs/${digest}`), repository };
  }
}

/** The part as it is asked for, and with an end where it has none. */
function partsOf({ start, last, size }: BlobRange): readonly BlobRange[] {
  if (start === 0 && last === undefined) return [];
  const isOpen = last === undefined && size !== undefined;
  return [{ start, last, size }, ...(isOpen ? [{ start, last: size - 1, size }] : [])];
}
