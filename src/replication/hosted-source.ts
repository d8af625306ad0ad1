/** One repository here that is copied to elsewhere, as whoever pulls from it sees it. */
import type { Digest } from '../oci/digest.ts';
import type { Tag } from '../oci/reference.ts';
import type { ReadableRepository } from '../oci/repository.ts';
import type { SourceBlob, SourceRepository } from './image-source.ts';

const tagsAtOnce = 1000;

export class HostedSource implements SourceRepository {
  readonly #repository: ReadableRepository;
  readonly #signal: AbortSignal;

  constructor(repository: ReadableRepository, signal: AbortSignal) {
    this.#repository = repository;
    this.#signal = signal;
  }

  async listTags(): Promise<readonly Tag[]> {
    const all: Tag[] = [];
    for (;;) {
      const { tags, hasMore } = await this.#repository.tags({ after: all.at(-1) ?? '', limit: tagsAtOnce });
      all.push(...tags);
      if (!hasMore) return all;
    }
  }

  async findTag(tag: Tag): Promise<Digest> {
    return (await this.#repository.manifest(tag, false)).digest;
  }

  async *listManifests(): AsyncGenerator<Digest, void, undefined> {}

  async getManifest(digest: Digest): Promise<Buffer> {
    return (await this.#repository.manifest(digest, false)).payload;
  }

  async listReferrers(subject: Digest): Promise<readonly Digest[]> {
    return (await this.#repository.referrers(subject)).descriptors.map(({ digest }) => digest);
  }

  async demandBlob(digest: Digest): Promise<void> {
    await this.#repository.statBlob(digest);
  }

  async openBlob(digest: Digest): Promise<SourceBlob> {
    const { size } = await this.#repository.statBlob(digest);
    return { size, file: undefined, read: () => this.#read(digest) };
  }

  async *#read(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    const blob = await this.#repository.blob(digest);
    try {
      // A chunk is good until the next one.
      for await (const chunk of blob.read(0, undefined, this.#signal)) yield Buffer.from(chunk);
    } finally {
      await blob.close();
    }
  }
}
