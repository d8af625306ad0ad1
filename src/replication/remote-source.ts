/** One repository of a registry that speaks the API, asked by the rules that hold for upstreams. */
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName, Tag } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { Download, type DownloadTools } from '../proxy/download.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { type SourceBlob, SourceFault, type SourceRepository } from './image-source.ts';

export interface RemoteSourceOptions {
  readonly upstream: Upstream;
  readonly name: RepositoryName;
  readonly tools: DownloadTools;
  /** Asks once, or again and again. What it throws and is no OutboundError is about all that is there. */
  readonly ask: <T>(ask: () => Promise<T>) => Promise<T>;
  /** Ends downloads. */
  readonly signal?: AbortSignal;
}

const never = new AbortController().signal;

export class RemoteSource implements SourceRepository {
  readonly #options: RemoteSourceOptions;

  constructor(options: RemoteSourceOptions) {
    this.#options = options;
  }

  listTags(): Promise<readonly Tag[]> {
    return this.#ask('the tags', (upstream) => upstream.listTags(this.#options.name));
  }

  /** By HEAD, which costs nothing where pulls are counted. */
  async findTag(tag: Tag): Promise<Digest> {
    const what = `the tag ${tag}`;
    const head = await this.#ask(what, (upstream) => upstream.headManifest(this.#options.name, tag));
    if (head.digest !== undefined) return head.digest;
    return (await this.#ask(what, (upstream) => upstream.getManifest(this.#options.name, tag))).digest;
  }

  /** The API lists tags alone. */
  async *listManifests(): AsyncGenerator<Digest, void, undefined> {}

  async getManifest(digest: Digest): Promise<Buffer> {
    const ask = (upstream: Upstream) => upstream.getManifest(this.#options.name, digest);
    return (await this.#ask(`the manifest ${digest}`, ask)).payload;
  }

  async listReferrers(subject: Digest): Promise<readonly Digest[]> {
    const ask = (upstream: Upstream) => upstream.listReferrers(this.#options.name, subject);
    return (await this.#ask(`the referrers of ${subject}`, ask)).map(({ digest }) => digest);
  }

  async demandBlob(digest: Digest): Promise<void> {
    await this.#ask(`the blob ${digest}`, (upstream) => upstream.headBlob(this.#options.name, digest));
  }

  async openBlob(digest: Digest): Promise<SourceBlob> {
    const { tools, signal = never } = this.#options;
    const download = await this.#ask(`the blob ${digest}`, (upstream) => {
      const source = { groupId: 0, upstream, repository: this.#options.name };
      return Download.open(tools, digest, [source], { start: 0 }, signal);
    });
    return { size: download.size, file: undefined, read: () => download.chunks() };
  }

  /** @param what is asked for, for people. @throws SourceFault where it is not given */
  async #ask<T>(what: string, ask: (upstream: Upstream) => Promise<T>): Promise<T> {
    const { upstream, ask: attempt } = this.#options;
    try {
      return await attempt(() => ask(upstream));
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      const isAbsent = error.kind === 'not-found';
      throw new SourceFault(`${what}: ${upstream.host} ${error.message}`, { isAbsent, cause: error });
    }
  }
}
