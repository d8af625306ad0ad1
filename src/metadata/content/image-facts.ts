/** What manifests and their configs say of images. Whoever may not read a config through their repository is not told what it says. */
import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { ImageConfig, Platform } from '../../oci/image-config.ts';
import type { ConfigState, ContentFacts, ImageFacts } from '../../oci/image-facts.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** Any of these may be made anew from the bytes. primary key digest; goes with the manifest's payload */
export interface ImageFactsTable {
  digest: Digest;
  kind: 'image' | 'index';
  artifactType: Optional<string>;
  configDigest: Optional<Digest>;
  configMediaType: Optional<string>;
  configSize: Optional<number>;
  configState: ConfigState;
  /** Config and layers, each digest once; undefined for an index. */
  totalBytes: Optional<number>;
  /** When the image was made, and for what, as the config says: lists show it without reading all of that. */
  imageCreatedAt: Optional<number>;
  platform: Optional<Platform>;
  /** What else the manifest says. */
  manifestDetails: Pick<ImageFacts, 'annotations' | 'layers' | 'children'>;
  /** All that the config says, where it was read. */
  imageConfig: Optional<ImageConfig>;
}

/** What lists show. */
export interface ImageSummary {
  readonly digest: Digest;
  readonly kind: 'image' | 'index';
  readonly artifactType: string | undefined;
  readonly config: ContentFacts | undefined;
  /** When the image was made, as its config says; epoch milliseconds. An index does not say. */
  readonly createdAt: number | undefined;
  /** Empty where nothing is known. */
  readonly platform: Platform;
  /** Configs and layers, each digest once: of an index, of the manifests that it lists and the repository has. */
  readonly totalBytes: number;
}

type FactsRecord = RecordOf<ImageFactsTable>;

const manifestColumns = [
  'imageFacts.kind',
  'imageFacts.artifactType',
  'imageFacts.configDigest',
  'imageFacts.configMediaType',
  'imageFacts.configSize',
  'imageFacts.totalBytes',
] as const;

export class ImageFactsRecords {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;

  constructor(db: Kysely<Tables>, reading = db) {
    this.#db = db;
    this.#reading = reading;
  }

  /** Whether there is nothing to be found out any more: the facts are there, and their config was not missing. */
  async isSettled(digest: Digest): Promise<boolean> {
    const row = await this.#db
      .selectFrom('imageFacts')
      .select('digest')
      .where('digest', '=', digest)
      .where('configState', '<>', 'missing')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** First facts stay, unless their config was missing. @throws MissingOwner when there is no such manifest */
  async save(digest: Digest, facts: ImageFacts): Promise<void> {
    const { kind, artifactType, config, configState, image, totalBytes, ...manifestDetails } = facts;
    const values = {
      kind,
      artifactType: columnText(artifactType),
      configDigest: config?.digest,
      configMediaType: columnText(config?.mediaType),
      configSize: config?.size,
      configState,
      totalBytes,
      imageCreatedAt: image?.createdAt,
      platform: image?.platform,
      manifestDetails,
      imageConfig: image,
    };
    await this.#db
      .insertInto('imageFacts')
      .values({ digest, ...values })
      .onConflict((conflict) =>
        conflict.column('digest').doUpdateSet(values).where('imageFacts.configState', '=', 'missing'),
      )
      .execute();
  }

  /** Of a manifest that the repository has; undefined where there are none yet, or no such manifest. */
  async find(repositoryId: number, digest: Digest): Promise<ImageFacts | undefined> {
    const found = await this.#visibleFrom(repositoryId)
      .select(['imageFacts.configState', 'imageFacts.manifestDetails', 'imageFacts.imageConfig'])
      .where('imageFacts.digest', '=', digest)
      .executeTakeFirst();
    if (!found) return undefined;
    const { configState, manifestDetails, imageConfig, readableConfig } = found;
    return {
      ...manifestDetails,
      kind: found.kind,
      artifactType: found.artifactType,
      config: configOf(found),
      configState: configState === 'read' && !readableConfig ? 'missing' : configState,
      image: readableConfig && imageConfig,
      totalBytes: found.totalBytes,
    };
  }

  /** As {@link find}, of many, by their digests; those without facts are left out. */
  async summarize(
    repositoryId: number,
    digests: readonly Digest[],
  ): Promise<ReadonlyMap<Digest, ImageSummary>> {
    const summaries = new Map<Digest, ImageSummary>();
    for (const batch of inBatches(digests)) {
      const found = await this.#visibleFrom(repositoryId)
        .select(['imageFacts.digest', 'imageFacts.imageCreatedAt', 'imageFacts.platform'])
        .where('imageFacts.digest', 'in', batch)
        .execute();
      const indexes = found.filter(({ kind }) => kind === 'index').map(({ digest }) => digest);
      const sizes = indexes.length > 0 ? await this.#sizesOf(repositoryId, indexes) : new Map();
      for (const facts of found) {
        const { digest, kind, artifactType, readableConfig } = facts;
        summaries.set(digest, {
          digest,
          kind,
          artifactType,
          config: configOf(facts),
          createdAt: readableConfig && facts.imageCreatedAt,
          platform: (readableConfig && facts.platform) ?? {},
          totalBytes: facts.totalBytes ?? sizes.get(digest) ?? 0,
        });
      }
    }
    return summaries;
  }

  #visibleFrom(repositoryId: number) {
    return this.#reading
      .selectFrom('imageFacts')
      .innerJoin('repositoryManifests', 'repositoryManifests.digest', 'imageFacts.digest')
      .where('repositoryManifests.repositoryId', '=', repositoryId)
      .leftJoin('repositoryBlobs as configLink', (join) =>
        join
          .onRef('configLink.digest', '=', 'imageFacts.configDigest')
          .on('configLink.repositoryId', '=', repositoryId),
      )
      .select(manifestColumns)
      .select(sql.ref<Digest | undefined>('configLink.digest').as('readableConfig'));
  }

  /** Sizes are what pushers wrote: as integers their sum might be none. */
  async #sizesOf(repositoryId: number, indexes: readonly Digest[]): Promise<ReadonlyMap<Digest, number>> {
    const rows = await this.#reading
      .selectFrom((eb) =>
        eb
          .selectFrom('manifestReferences as child')
          .innerJoin('repositoryManifests as here', 'here.digest', 'child.digest')
          .innerJoin('manifestReferences as content', 'content.manifestDigest', 'child.digest')
          .select(['child.manifestDigest', 'content.digest', 'content.size'])
          .distinct()
          .where('child.manifestDigest', 'in', indexes)
          .where('child.kind', '=', 'manifest')
          .where('content.kind', 'in', ['config', 'layer'])
          .where('here.repositoryId', '=', repositoryId)
          .as('listed'),
      )
      .select('listed.manifestDigest')
      .select(sql<number>`sum(cast(listed.size as double precision))`.as('bytes'))
      .groupBy('listed.manifestDigest')
      .execute();
    return new Map(rows.map((row) => [row.manifestDigest, Math.min(row.bytes, Number.MAX_SAFE_INTEGER)]));
  }
}

function configOf({
  configDigest: digest,
  configMediaType: mediaType = '',
  configSize: size = 0,
}: Pick<FactsRecord, 'configDigest' | 'configMediaType' | 'configSize'>): ContentFacts | undefined {
  return digest && { digest, mediaType, size };
}

/** PostgreSQL's texts hold no NUL. */
function columnText(text: string | undefined): string | undefined {
  return text?.replaceAll('\0', '');
}
