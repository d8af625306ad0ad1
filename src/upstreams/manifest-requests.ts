/** Manifests are asked for by HEAD and by GET, and GET has the last word: HEAD is refused, misunderstood or left unanswered by many. */
import type { Digest } from '../oci/digest.ts';
import { manifestAccept } from '../oci/media-types.ts';
import { isDigestReference, type Reference, type RepositoryName } from '../oci/reference.ts';
import type { Limit } from '../outbound/deadline.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { findDigest, readManifest } from './manifest-answer.ts';
import type { Registry } from './registry.ts';
import type { FetchedManifest, ManifestHead } from './upstream.ts';

/** What registries that cannot make sense of HEAD answer to it: it says nothing of what was asked for. */
export const headMisunderstood = [400, 405, 406, 411, 415, 422, 501];
/** Where HEAD is of no use, it is tried again after so long. */
const doubtMs = 600_000;

export interface ManifestRequestOptions {
  readonly registry: Registry;
  /** For the whole of asking whether a manifest is there. */
  readonly probeLimit: Limit;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class ManifestRequests {
  readonly #options: ManifestRequestOptions;
  /** Until when GET is asked in place of HEAD; undefined: HEAD is of use, for all that is known. */
  #doubtedUntil: number | undefined;

  constructor(options: ManifestRequestOptions) {
    this.#options = options;
  }

  /** By GET for a while after HEAD was of no use; then HEAD is tried, and GET at once where it fails again. */
  async head(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal | undefined,
  ): Promise<ManifestHead> {
    const { probeLimit, now } = this.#options;
    if (now() >= (this.#doubtedUntil ?? 0)) {
      const head = await this.#askHead(repository, reference, signal);
      if (head) return head;
    }
    try {
      const manifest = await this.get(repository, reference, signal, probeLimit);
      return { digest: manifest.digest, manifest };
    } catch (error) {
      // Then it is not for HEAD that the upstream fails.
      if (isFailure(error)) this.#doubtedUntil = undefined;
      throw error;
    }
  }

  /** @param limit where it is not that of any answer */
  async get(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal | undefined,
    limit?: Limit,
  ): Promise<FetchedManifest> {
    const request = {
      ...this.#request('GET', repository, reference),
      kind: 'manifest',
      statuses: [200],
    } as const;
    const { manifest, otherDigest } = await this.#options.registry.ask(
      { ...request, ...(limit && { limit }) },
      signal,
      (answer) => readManifest(answer, reference),
    );
    if (otherDigest === undefined) return manifest;
    return this.#settle(repository, manifest, otherDigest, signal);
  }

  /** Undefined where HEAD is not understood, or fails as it did before. */
  async #askHead(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal | undefined,
  ): Promise<ManifestHead | undefined> {
    const { registry, probeLimit, now } = this.#options;
    const isDoubted = this.#doubtedUntil !== undefined;
    const statuses = [200, ...headMisunderstood];
    const target = this.#request('HEAD', repository, reference);
    const request = { ...target, kind: 'manifest-head', statuses, limit: probeLimit } as const;
    try {
      const head = await registry.ask(request, signal, (answer) => {
        answer.discard();
        if (headMisunderstood.includes(answer.status)) return undefined;
        return { digest: isDigestReference(reference) ? reference : findDigest(answer) };
      });
      this.#doubtedUntil = head ? undefined : now() + doubtMs;
      return head;
    } catch (error) {
      if (!isFailure(error)) throw error;
      this.#doubtedUntil = now() + doubtMs;
      if (!isDoubted) throw error;
      return undefined;
    }
  }

  /**
   * What a tag has, where the upstream gives its bytes another digest than they have. If it has something by that digest, the bytes were
   * damaged; if not, the label is wrong.
   */
  async #settle(
    repository: RepositoryName,
    manifest: FetchedManifest,
    labelled: Digest,
    signal: AbortSignal | undefined,
  ): Promise<FetchedManifest> {
    try {
      return await this.get(repository, labelled, signal);
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      if (error.kind === 'not-found') return manifest;
      if (error.kind !== 'invalid') throw error;
      throw new OutboundError('invalid', `sent a manifest that has not the digest it says, ${labelled}`, {
        status: 200,
        cause: error,
      });
    }
  }

  #request(method: 'GET' | 'HEAD', repository: RepositoryName, reference: Reference) {
    const url = this.#options.registry.urlOf(`${repository}/manifests/${reference}`);
    return { method, url, repository, headers: { accept: manifestAccept } };
  }
}

/** Whether it was reached and failed, or was too slow. */
function isFailure(error: unknown): boolean {
  return error instanceof OutboundError && error.kind === 'unavailable' && !error.unreachable && !error.busy;
}
