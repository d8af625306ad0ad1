import { type Kysely, type Selectable, sql } from 'kysely';
import type { Reviews } from '../collector/reviews.ts';
import { containing } from '../db/containing.ts';
import { inTransaction } from '../db/in-transaction.ts';
import { fromJsonList, toJsonList } from '../db/json-list.ts';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/tables.ts';
import { type RegistryUpstream, RegistryUpstreams } from './registry-upstreams.ts';

export interface UpstreamRecord {
  readonly id: number;
  readonly groupId: number;
  readonly url: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly username: string | undefined;
  /** Encrypted with the installation's secret key. */
  readonly passwordSealed: string | undefined;
  readonly cacheValidityHours: number;
  readonly allowPatterns: readonly string[];
  readonly denyPatterns: readonly string[];
  readonly allowPrivateNetwork: boolean;
  readonly createdAt: number;
  /** Grows with every change, even within a millisecond. */
  readonly updatedAt: number;
}

export interface NewUpstream {
  readonly groupId: number;
  readonly url: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly username?: string | undefined;
  readonly passwordSealed?: string | undefined;
  readonly cacheValidityHours: number;
  readonly allowPatterns: readonly string[];
  readonly denyPatterns: readonly string[];
  readonly allowPrivateNetwork: boolean;
}

/** What is undefined stays as it is; null clears. */
export interface UpstreamChanges {
  readonly url?: string | undefined;
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
  readonly username?: string | null | undefined;
  readonly passwordSealed?: string | null | undefined;
  readonly cacheValidityHours?: number | undefined;
  readonly allowPatterns?: readonly string[] | undefined;
  readonly denyPatterns?: readonly string[] | undefined;
  readonly allowPrivateNetwork?: boolean | undefined;
}

/** An upstream as one virtual registry has it. */
export interface AssociatedUpstream extends UpstreamRecord {
  readonly registryUpstream: RegistryUpstream;
}

export class Upstreams {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;
  readonly #reviews: Reviews;

  constructor(db: Kysely<Tables>, now: () => number, reviews: Reviews) {
    this.#db = db;
    this.#now = now;
    this.#reviews = reviews;
  }

  /** Oldest first. @param name part of the name */
  async list(groupId: number, name: string | undefined, page: Page): Promise<Paged<UpstreamRecord>> {
    let matching = this.#db.selectFrom('upstreams').where('groupId', '=', groupId);
    if (name) matching = matching.where((eb) => containing(eb.ref('name'), name));
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll()
      .orderBy('id')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }

  /** By position. */
  async listByRegistry(registryId: number): Promise<readonly AssociatedUpstream[]> {
    const rows = await this.#db
      .selectFrom('registryUpstreams as link')
      .innerJoin('upstreams', 'upstreams.id', 'link.upstreamId')
      .where('link.registryId', '=', registryId)
      .selectAll('upstreams')
      .select(['link.id as linkId', 'link.position'])
      .orderBy('link.position')
      .execute();
    return rows.map(({ linkId: id, position, ...row }) => ({
      ...fromRow(row),
      registryUpstream: { id, registryId, upstreamId: row.id, position },
    }));
  }

  /** Those of the group with exactly this URL. */
  async listByUrl(groupId: number, url: string): Promise<readonly UpstreamRecord[]> {
    const query = this.#db
      .selectFrom('upstreams')
      .selectAll()
      .where('groupId', '=', groupId)
      .where('url', '=', url);
    return (await query.orderBy('id').execute()).map(fromRow);
  }

  async find(id: number): Promise<UpstreamRecord | undefined> {
    const row = await this.#db.selectFrom('upstreams').selectAll().where('id', '=', id).executeTakeFirst();
    return row && fromRow(row);
  }

  /** In no registry yet. @throws MissingOwner */
  async create(upstream: NewUpstream): Promise<UpstreamRecord> {
    const now = this.#now();
    const row = await this.#db
      .insertInto('upstreams')
      .values({
        groupId: upstream.groupId,
        url: upstream.url,
        name: upstream.name,
        description: upstream.description ?? null,
        username: upstream.username ?? null,
        passwordSealed: upstream.passwordSealed ?? null,
        cacheValidityHours: upstream.cacheValidityHours,
        allowPatterns: toJsonList(upstream.allowPatterns),
        denyPatterns: toJsonList(upstream.denyPatterns),
        allowPrivateNetwork: Number(upstream.allowPrivateNetwork),
        createdAt: now,
        updatedAt: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such upstream. */
  async update(id: number, changes: UpstreamChanges): Promise<UpstreamRecord | undefined> {
    const { allowPatterns, denyPatterns, allowPrivateNetwork } = changes;
    const now = this.#now();
    const row = await this.#db
      .updateTable('upstreams')
      .set({
        url: changes.url,
        name: changes.name,
        description: changes.description,
        username: changes.username,
        passwordSealed: changes.passwordSealed,
        cacheValidityHours: changes.cacheValidityHours,
        allowPatterns: allowPatterns && toJsonList(allowPatterns),
        denyPatterns: denyPatterns && toJsonList(denyPatterns),
        allowPrivateNetwork: allowPrivateNetwork === undefined ? undefined : Number(allowPrivateNetwork),
        updatedAt: sql<number>`case when updated_at < ${now} then ${now} else updated_at + 1 end`,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** With its entries, whose contents are put up for review, and from every registry, where those behind it move up. False when there was none. */
  remove(id: number): Promise<boolean> {
    return inTransaction(this.#db, async (tx) => {
      const links = new RegistryUpstreams(tx);
      for (const link of await links.listByUpstream(id)) await links.remove(link.id);
      // Nobody adds an entry meanwhile, of which there would be no review.
      await tx.selectFrom('upstreams').select('id').where('id', '=', id).forUpdate().execute();
      await this.#reviews.within(tx).addUpstream(id);
      const { numDeletedRows } = await tx
        .deleteFrom('upstreams')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    });
  }

  /** Those that this registry uses and no other, by position. */
  async listExclusive(registryId: number): Promise<readonly UpstreamRecord[]> {
    const upstreams = await this.listByRegistry(registryId);
    const shared = await this.#db
      .selectFrom('registryUpstreams as own')
      .innerJoin('registryUpstreams as other', 'other.upstreamId', 'own.upstreamId')
      .where('own.registryId', '=', registryId)
      .where('other.registryId', '<>', registryId)
      .select('own.upstreamId')
      .execute();
    const sharedIds = new Set(shared.map((row) => row.upstreamId));
    return upstreams.filter((upstream) => !sharedIds.has(upstream.id));
  }

  /** Removes what {@link listExclusive} gives, with the entries; gives what it removed. Part of removing the registry. */
  removeExclusive(registryId: number): Promise<readonly UpstreamRecord[]> {
    return inTransaction(this.#db, async (tx) => {
      // Held first, in the order in which associations are made, so that no other registry gets one of them meanwhile.
      await tx
        .selectFrom('virtualRegistries')
        .select('id')
        .where('id', '=', registryId)
        .forNoKeyUpdate()
        .execute();
      await tx
        .selectFrom('upstreams')
        .select('id')
        .where('id', 'in', (eb) =>
          eb.selectFrom('registryUpstreams').select('upstreamId').where('registryId', '=', registryId),
        )
        .orderBy('id')
        .forUpdate()
        .execute();
      const upstreams = new Upstreams(tx, this.#now, this.#reviews.within(tx));
      const exclusive = await upstreams.listExclusive(registryId);
      for (const { id } of exclusive) await upstreams.remove(id);
      return exclusive;
    });
  }
}

function fromRow(row: Selectable<Tables['upstreams']>): UpstreamRecord {
  return {
    id: row.id,
    groupId: row.groupId,
    url: row.url,
    name: row.name,
    description: row.description ?? undefined,
    username: row.username ?? undefined,
    passwordSealed: row.passwordSealed ?? undefined,
    cacheValidityHours: row.cacheValidityHours,
    allowPatterns: fromJsonList(row.allowPatterns),
    denyPatterns: fromJsonList(row.denyPatterns),
    allowPrivateNetwork: row.allowPrivateNetwork === 1,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
