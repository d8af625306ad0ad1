/**
 * Copies one repository: what a manifest refers to comes before it, as in every push, and what refers to it before its tag. So what is here
 * is whole, and a run goes on where one before was ended.
 */
import { eachOf } from '../../concurrency/each-of.ts';
import type { HostedLimits } from '../../hosted/hosted-options.ts';
import { acceptManifest, listRequired } from '../../hosted/manifests/manifest-acceptance.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ParsedManifest, ParsedReference } from '../../oci/manifest.ts';
import { isManifestType } from '../../oci/media-types.ts';
import type { Tag } from '../../oci/reference.ts';
import type { Destination } from './destination.ts';
import { isAboutOne, isAbsence, type SourceRepository } from './import-source.ts';
import type { Tally } from './tally.ts';

export interface RepositoryCopyOptions {
  /** Its name at the source, for the report. */
  readonly name: string;
  readonly source: SourceRepository;
  readonly destination: Destination;
  readonly limits: Pick<HostedLimits, 'maxManifestBytes' | 'maxManifestReferences' | 'sparseManifests'>;
  readonly tally: Tally;
}

/** Tags, or manifests, at a time. */
const maxAtOnce = 4;

export class RepositoryCopy {
  readonly #options: RepositoryCopyOptions;
  /** Blobs and manifests that were begun, each once. */
  readonly #begun = new Map<Digest, Promise<void>>();

  constructor(options: RepositoryCopyOptions) {
    this.#options = options;
  }

  /** @param onPart told which share of the whole is done more. @throws what is not about one image alone */
  async run(onPart: (share: number) => void): Promise<void> {
    const { name, source } = this.#options;
    await this.#attempt(name, async () => {
      const tags = await source.listTags();
      await eachOf(tags, maxAtOnce, async (tag) => {
        await this.#attempt(`${name}:${tag}`, () => this.#copyTag(tag));
        onPart(1 / tags.length);
      });
      await eachOf(source.listManifests(), maxAtOnce, async (digest) => {
        if (!this.#begun.has(digest))
          await this.#attempt(`${name}@${digest}`, () => this.#copyManifest(digest));
      });
      if (tags.length === 0) onPart(1);
    });
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isAboutOne(error)) throw error;
      this.#options.tally.skip(what, error.message);
    }
  }

  async #copyTag(tag: Tag): Promise<void> {
    const { source, destination, tally } = this.#options;
    const digest = await source.findTag(tag);
    const isNew = (await destination.findTag(tag)) !== digest;
    const isFirst = !this.#begun.has(digest);
    await this.#copyManifest(digest, isNew ? tag : undefined);
    if (isNew && !isFirst) await destination.putManifest(digest, (await this.#get(digest)).payload, [tag]);
    tally.count('tags', isNew);
  }

  /** @param tag given to it where it was not begun before */
  #copyManifest(digest: Digest, tag?: Tag): Promise<void> {
    return this.#once(digest, async () => {
      const { destination, tally } = this.#options;
      const { payload, isHere } = await this.#get(digest);
      const manifest = this.#parse(payload);
      await this.#copyReferences(manifest, isHere);
      await this.#copyReferrers(digest);
      if (!isHere || tag !== undefined) await destination.putManifest(digest, payload, tag ? [tag] : []);
      tally.count('manifests', !isHere);
    });
  }

  async #get(digest: Digest): Promise<{ readonly payload: Buffer; readonly isHere: boolean }> {
    const { source, destination } = this.#options;
    const here = await destination.findManifest(digest);
    return { payload: here ?? (await source.getManifest(digest)), isHere: here !== undefined };
  }

  #parse(payload: Buffer): ParsedManifest {
    const { maxManifestBytes: maxBytes, maxManifestReferences: maxReferences } = this.#options.limits;
    return acceptManifest(payload, undefined, { maxBytes, maxReferences });
  }

  /** What may be missing here, by the settings, may be missing at the source. */
  async #copyReferences(manifest: ParsedManifest, isHere: boolean): Promise<void> {
    const required = new Set(
      listRequired(manifest, this.#options.limits.sparseManifests).map(({ digest }) => digest),
    );
    for (const reference of manifest.references) {
      const isManifest = reference.kind === 'manifest' && isManifestType(reference.mediaType);
      if (reference.kind === 'subject' || (isHere && !isManifest)) continue;
      try {
        await (isManifest ? this.#copyManifest(reference.digest) : this.#copyBlob(reference));
      } catch (error) {
        if (!isAbsence(error) || required.has(reference.digest)) throw error;
      }
    }
  }

  /** One that cannot be had keeps nobody from having what it refers to. */
  async #copyReferrers(subject: Digest): Promise<void> {
    const { name, source } = this.#options;
    for (const digest of await source.listReferrers(subject))
      await this.#attempt(`${name}@${digest}`, async () => {
        // A list may say what is not so, and lead in a circle.
        if (this.#parse((await this.#get(digest)).payload).subject === subject)
          await this.#copyManifest(digest);
      });
  }

  #copyBlob({ digest, size }: ParsedReference): Promise<void> {
    return this.#once(digest, async () => {
      const { source, destination, tally } = this.#options;
      if (await destination.hasBlob(digest)) return tally.blob(digest, size, false);
      if (await destination.isStored(digest)) {
        // Whoever knows a digest need not have the blob.
        await source.demandBlob(digest);
        if (await destination.link(digest)) return tally.blob(digest, size, false);
      }
      if (destination.isDryRun) await source.demandBlob(digest);
      else await destination.putBlob(digest, await source.openBlob(digest));
      tally.blob(digest, size, true);
    });
  }

  #once(digest: Digest, work: () => Promise<void>): Promise<void> {
    const begun = this.#begun.get(digest) ?? work();
    this.#begun.set(digest, begun);
    return begun;
  }
}
