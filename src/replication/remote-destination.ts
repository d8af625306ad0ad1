/** One repository of another registry that is copied to. */
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName, Tag } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { RemoteTarget } from '../upstreams/pushes/remote-target.ts';
import { type SourceBlob, SourceFault, type SourceRepository } from './image-source.ts';
import type { CopyDestination } from './repository-copy.ts';

export interface RemoteDestinationOptions {
  readonly target: RemoteTarget;
  readonly name: RepositoryName;
  /** Has the manifests that are there, too. */
  readonly source: Pick<SourceRepository, 'getManifest'>;
  /** Where blobs are there, for all that was seen. */
  readonly known: Map<Digest, RepositoryName>;
  readonly signal: AbortSignal;
}

/** Of blobs whose places are remembered, about 10 MB. */
const maxKnown = 50_000;

export class RemoteDestination implements CopyDestination {
  readonly isDryRun = false;
  readonly #options: RemoteDestinationOptions;

  constructor(options: RemoteDestinationOptions) {
    this.#options = options;
  }

  findTag(tag: Tag): Promise<Digest | undefined> {
    const { target, name, signal } = this.#options;
    return orAbsent(async () => {
      const { digest } = await target.headManifest(name, tag, signal);
      return digest ?? (await target.getManifest(name, tag, signal)).digest;
    });
  }

  async findManifest(digest: Digest): Promise<Buffer | undefined> {
    const { target, name, source, signal } = this.#options;
    const head = await orAbsent(() => target.headManifest(name, digest, signal));
    return head && source.getManifest(digest);
  }

  async hasBlob(digest: Digest): Promise<boolean> {
    const { target, name, signal } = this.#options;
    const found = await orAbsent(async () => ({ size: await target.headBlob(name, digest, signal) }));
    if (found) this.#remember(digest);
    return found !== undefined;
  }

  /** A link is asked for where the upload is begun. */
  async isStored(): Promise<boolean> {
    return false;
  }

  async link(): Promise<boolean> {
    return false;
  }

  async putBlob(digest: Digest, { size, read }: SourceBlob): Promise<void> {
    const { target, name, known, signal } = this.#options;
    if (size === undefined) throw new SourceFault(`the blob ${digest}: nobody says how long it is`);
    await target.pushes.putBlob(name, { digest, size, open: read }, known.get(digest), signal);
    this.#remember(digest);
  }

  putManifest(digest: Digest, payload: Buffer, tags: readonly Tag[]): Promise<void> {
    const { target, name, signal } = this.#options;
    return target.putManifest(name, digest, payload, tags, signal);
  }

  async deleteTag(tag: Tag): Promise<void> {
    const { target, name, signal } = this.#options;
    await target.pushes.deleteTag(name, tag, signal);
  }

  #remember(digest: Digest): void {
    const { known, name } = this.#options;
    if (known.size < maxKnown) known.set(digest, name);
  }
}

async function orAbsent<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof OutboundError && error.kind === 'not-found') return undefined;
    throw error;
  }
}
