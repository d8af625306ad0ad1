/** What manifests and their configs say of images. Whoever may not read a config through their repository is not told what it says. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Platform } from '../../oci/image-config.ts';
import type { ContentFacts, ImageFacts } from '../../oci/image-facts.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/tables.ts';
import { readDetails, writeDetails } from './image-details.ts';

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

type Row = Selectable<Tables['imageFacts']>;

const summaryColumns = [
  'imageFacts.digest',
  'imageFacts.kind',
  'imageFacts.artifactType',
  'imageFacts.configDigest',
  'imageFacts.configMediaType',
  'imageFacts.configSize',
  'imageFacts.totalSize',
  'imageFacts.imageCreatedAt',
  'imageFacts.os',
  'imageFacts.architecture',
  'imageFacts.variant',
] as const;

export class ImageFactsRecords {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
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
    const { kind, artifactType, config, configState, image, totalBytes } = facts;
    const values = {
      kind,
      artifactType: columnText(artifactType),
      configDigest: config?.digest ?? null,
      configMediaType: columnText(config?.mediaType),
      configSize: config?.size ?? null,
      configState: configState,
      totalSize: totalBytes ?? null,
      imageCreatedAt: image?.createdAt ?? null,
      os: image?.platform.os ?? null,
      architecture: image?.platform.architecture ?? null,
      variant: image?.platform.variant ?? null,
      ...writeDetails(facts),
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
    const row = await this.#visibleFrom(repositoryId)
      .selectAll('imageFacts')
      .where('imageFacts.digest', '=', digest)
      .executeTakeFirst();
    return row && factsFromRow(row, row.showsConfig === 1);
  }

  /** As {@link find}, of many, by their digests; those without facts are left out. */
  async summarize(
    repositoryId: number,
    digests: readonly Digest[],
  ): Promise<ReadonlyMap<Digest, ImageSummary>> {
    const summaries = new Map<Digest, ImageSummary>();
    for (const batch of inBatches(digests)) {
      const rows = await this.#visibleFrom(repositoryId)
        .select(summaryColumns)
        .where('imageFacts.digest', 'in', batch)
        .execute();
      const indexes = rows.filter(({ kind }) => kind === 'index').map(({ digest }) => digest);
      const sizes = indexes.length > 0 ? await this.#sizesOf(repositoryId, indexes) : new Map();
      for (const row of rows) {
        const summary = summaryFromRow(row, row.showsConfig === 1, sizes.get(row.digest) ?? 0);
        summaries.set(summary.digest, summary);
      }
    }
    return summaries;
  }

  #visibleFrom(repositoryId: number) {
    return this.#db
      .selectFrom('imageFacts')
      .innerJoin('repositoryManifests', 'repositoryManifests.digest', 'imageFacts.digest')
      .where('repositoryManifests.repositoryId', '=', repositoryId)
      .leftJoin('repositoryBlobs as configLink', (join) =>
        join
          .onRef('configLink.digest', '=', 'imageFacts.configDigest')
          .on('configLink.repositoryId', '=', repositoryId),
      )
      .select(sql<number>`case when config_link.digest is null then 0 else 1 end`.as('showsConfig'));
  }

  /** Sizes are what pushers wrote: as integers their sum might be none. */
  async #sizesOf(repositoryId: number, indexes: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#db
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

function factsFromRow(row: Row, showsConfig: boolean): ImageFacts {
  return {
    ...readDetails(row, showsConfig),
    kind: row.kind,
    artifactType: row.artifactType ?? undefined,
    config: configOf(row),
    configState: row.configState === 'read' && !showsConfig ? 'missing' : row.configState,
    totalBytes: row.totalSize ?? undefined,
  };
}

function summaryFromRow(
  row: Pick<Row, 'digest' | 'kind' | 'totalSize' | 'imageCreatedAt' | 'os' | 'architecture' | 'variant'> &
    Parameters<typeof configOf>[0] &
    Pick<Row, 'artifactType'>,
  showsConfig: boolean,
  indexBytes: number,
): ImageSummary {
  return {
    digest: row.digest as Digest,
    kind: row.kind,
    artifactType: row.artifactType ?? undefined,
    config: configOf(row),
    createdAt: showsConfig ? (row.imageCreatedAt ?? undefined) : undefined,
    platform: showsConfig
      ? {
          os: row.os ?? undefined,
          architecture: row.architecture ?? undefined,
          variant: row.variant ?? undefined,
        }
      : {},
    totalBytes: row.totalSize ?? indexBytes,
  };
}

/** Digests were parsed before they were recorded. */
function configOf(
  row: Pick<Row, 'configDigest' | 'configMediaType' | 'configSize'>,
): ContentFacts | undefined {
  const { configDigest: digest, configMediaType: mediaType, configSize: size } = row;
  return digest === undefined
    ? undefined
    : { digest: digest as Digest, mediaType: mediaType ?? '', size: size ?? 0 };
}

/** PostgreSQL's texts hold no NUL. */
function columnText(text: string | undefined): string | null {
  return text?.replaceAll('\0', '') ?? null;
}
