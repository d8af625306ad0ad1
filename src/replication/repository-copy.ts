/**
 * Copies one repository: what a manifest refers to comes before it, as in every push, and what refers to it before its tag. So what is here
 * is whole, and a run goes on where one before was ended.
 */
import { eachOf } from '../concurrency/each-of.ts';
import type { HostedLimits } from '../hosted/hosted-options.ts';
import { acceptManifest, listRequired } from '../hosted/manifests/manifest-acceptance.ts';
import type { Digest } from '../oci/digest.ts';
import type { ParsedManifest, ParsedReference } from '../oci/manifest.ts';
import { isManifestType } from '../oci/media-types.ts';
import type { Tag } from '../oci/reference.ts';
import { isAboutOne, isAbsence, type SourceBlob, type SourceRepository } from './image-source.ts';

/** A repository that is copied to, here or elsewhere. In a dry run it is only looked at. */
export interface CopyDestination {
  readonly isDryRun: boolean;
  findTag(tag: Tag): Promise<Digest | undefined>;
  /** Its exact bytes where it is there. */
  findManifest(digest: Digest): Promise<Buffer | undefined>;
  hasBlob(digest: Digest): Promise<boolean>;
  /** Whether its bytes are there, whichever repository has them. */
  isStored(digest: Digest): Promise<boolean>;
  /** Of bytes that are there. False where they are not any more. */
  link(digest: Digest): Promise<boolean>;
  putBlob(digest: Digest, blob: SourceBlob): Promise<void>;
  putManifest(digest: Digest, payload: Buffer, tags: readonly Tag[]): Promise<void>;
}

/** Who is told what becomes of what is copied. */
export interface CopyObserver {
  /** @param isNew it was not there */
  count(what: 'tags' | 'manifests', isNew: boolean): void;
  /** @param size in bytes */
  blob(digest: Digest, size: number, isNew: boolean): void;
  skip(what: string, reason: string): void;
}

export interface RepositoryCopyOptions {
  /** Its name at the source, for the report. */
  readonly name: string;
  readonly source: SourceRepository;
  readonly destination: CopyDestination;
  readonly limits: Pick<HostedLimits, 'maxManifestBytes' | 'maxManifestReferences' | 'sparseManifests'>;
  readonly tally: CopyObserver;
  /** Whether what refers to a manifest comes along. */
  readonly withReferrers: boolean;
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
        await this.#attempt(`${name}:${tag}`, () => this.copyTag(tag));
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

  /** @throws SourceFault, and what the destination throws */
  async copyTag(tag: Tag): Promise<void> {
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
    const { name, source, withReferrers } = this.#options;
    if (!withReferrers) return;
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
