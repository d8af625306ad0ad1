/** What manifests and their configs say of images. Whoever may not read a config through their repository is not told what it says. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Platform } from '../../oci/image-config.ts';
import type { ContentFacts, ImageFacts } from '../../oci/image-facts.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/schema.ts';
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

type Row = Selectable<Tables['image_facts']>;

const summaryColumns = [
  'image_facts.digest',
  'image_facts.kind',
  'image_facts.artifact_type',
  'image_facts.config_digest',
  'image_facts.config_media_type',
  'image_facts.config_size',
  'image_facts.total_size',
  'image_facts.image_created_at',
  'image_facts.os',
  'image_facts.architecture',
  'image_facts.variant',
] as const;

export class ImageFactsRecords {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Whether there is nothing to be found out any more: the facts are there, and their config was not missing. */
  async isSettled(digest: Digest): Promise<boolean> {
    const row = await this.#db
      .selectFrom('image_facts')
      .select('digest')
      .where('digest', '=', digest)
      .where('config_state', '<>', 'missing')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** First facts stay, unless their config was missing. @throws MissingOwner when there is no such manifest */
  async save(digest: Digest, facts: ImageFacts): Promise<void> {
    const { kind, artifactType, config, configState, image, totalBytes } = facts;
    const values = {
      kind,
      artifact_type: columnText(artifactType),
      config_digest: config?.digest ?? null,
      config_media_type: columnText(config?.mediaType),
      config_size: config?.size ?? null,
      config_state: configState,
      total_size: totalBytes ?? null,
      image_created_at: image?.createdAt ?? null,
      os: image?.platform.os ?? null,
      architecture: image?.platform.architecture ?? null,
      variant: image?.platform.variant ?? null,
      ...writeDetails(facts),
    };
    await this.#db
      .insertInto('image_facts')
      .values({ digest, ...values })
      .onConflict((conflict) =>
        conflict.column('digest').doUpdateSet(values).where('image_facts.config_state', '=', 'missing'),
      )
      .execute();
  }

  /** Of a manifest that the repository has; undefined where there are none yet, or no such manifest. */
  async find(repositoryId: number, digest: Digest): Promise<ImageFacts | undefined> {
    const row = await this.#visibleFrom(repositoryId)
      .selectAll('image_facts')
      .where('image_facts.digest', '=', digest)
      .executeTakeFirst();
    return row && factsFromRow(row, row.shows_config === 1);
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
        .where('image_facts.digest', 'in', batch)
        .execute();
      const indexes = rows.filter(({ kind }) => kind === 'index').map(({ digest }) => digest);
      const sizes = indexes.length > 0 ? await this.#sizesOf(repositoryId, indexes) : new Map();
      for (const row of rows) {
        const summary = summaryFromRow(row, row.shows_config === 1, sizes.get(row.digest) ?? 0);
        summaries.set(summary.digest, summary);
      }
    }
    return summaries;
  }

  #visibleFrom(repositoryId: number) {
    return this.#db
      .selectFrom('image_facts')
      .innerJoin('repository_manifests', 'repository_manifests.digest', 'image_facts.digest')
      .where('repository_manifests.repository_id', '=', repositoryId)
      .leftJoin('repository_blobs as config_link', (join) =>
        join
          .onRef('config_link.digest', '=', 'image_facts.config_digest')
          .on('config_link.repository_id', '=', repositoryId),
      )
      .select(sql<number>`case when config_link.digest is null then 0 else 1 end`.as('shows_config'));
  }

  /** Sizes are what pushers wrote: as integers their sum might be none. */
  async #sizesOf(repositoryId: number, indexes: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#db
      .selectFrom((eb) =>
        eb
          .selectFrom('manifest_references as child')
          .innerJoin('repository_manifests as here', 'here.digest', 'child.digest')
          .innerJoin('manifest_references as content', 'content.manifest_digest', 'child.digest')
          .select(['child.manifest_digest', 'content.digest', 'content.size'])
          .distinct()
          .where('child.manifest_digest', 'in', indexes)
          .where('child.kind', '=', 'manifest')
          .where('content.kind', 'in', ['config', 'layer'])
          .where('here.repository_id', '=', repositoryId)
          .as('listed'),
      )
      .select('listed.manifest_digest')
      .select(sql<number>`sum(cast(listed.size as double precision))`.as('bytes'))
      .groupBy('listed.manifest_digest')
      .execute();
    return new Map(rows.map((row) => [row.manifest_digest, Math.min(row.bytes, Number.MAX_SAFE_INTEGER)]));
  }
}

function factsFromRow(row: Row, showsConfig: boolean): ImageFacts {
  return {
    ...readDetails(row, showsConfig),
    kind: row.kind,
    artifactType: row.artifact_type ?? undefined,
    config: configOf(row),
    configState: row.config_state === 'read' && !showsConfig ? 'missing' : row.config_state,
    totalBytes: row.total_size ?? undefined,
  };
}

function summaryFromRow(
  row: Pick<Row, 'digest' | 'kind' | 'total_size' | 'image_created_at' | 'os' | 'architecture' | 'variant'> &
    Parameters<typeof configOf>[0] &
    Pick<Row, 'artifact_type'>,
  showsConfig: boolean,
  indexBytes: number,
): ImageSummary {
  return {
    digest: row.digest as Digest,
    kind: row.kind,
    artifactType: row.artifact_type ?? undefined,
    config: configOf(row),
    createdAt: showsConfig ? (row.image_created_at ?? undefined) : undefined,
    platform: showsConfig
      ? {
          os: row.os ?? undefined,
          architecture: row.architecture ?? undefined,
          variant: row.variant ?? undefined,
        }
      : {},
    totalBytes: row.total_size ?? indexBytes,
  };
}

/** Digests were parsed before they were recorded. */
function configOf(
  row: Pick<Row, 'config_digest' | 'config_media_type' | 'config_size'>,
): ContentFacts | undefined {
  const { config_digest: digest, config_media_type: mediaType, config_size: size } = row;
  return digest === null
    ? undefined
    : { digest: digest as Digest, mediaType: mediaType ?? '', size: size ?? 0 };
}

/** PostgreSQL's texts hold no NUL. */
function columnText(text: string | undefined): string | null {
  return text?.replaceAll('\0', '') ?? null;
}
