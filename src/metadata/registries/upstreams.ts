import { type Kysely, type Selectable, sql } from 'kysely';
import type { Reviews } from '../collector/reviews.ts';
import { containing } from '../db/containing.ts';
import { inTransaction } from '../db/in-transaction.ts';
import { fromJsonList, toJsonList } from '../db/json-list.ts';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
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
    let matching = this.#db.selectFrom('upstreams').where('group_id', '=', groupId);
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
      .selectFrom('registry_upstreams as link')
      .innerJoin('upstreams', 'upstreams.id', 'link.upstream_id')
      .where('link.registry_id', '=', registryId)
      .selectAll('upstreams')
      .select(['link.id as link_id', 'link.position'])
      .orderBy('link.position')
      .execute();
    return rows.map(({ link_id: id, position, ...row }) => ({
      ...fromRow(row),
      registryUpstream: { id, registryId, upstreamId: row.id, position },
    }));
  }

  /** Those of the group with exactly this URL. */
  async listByUrl(groupId: number, url: string): Promise<readonly UpstreamRecord[]> {
    const query = this.#db
      .selectFrom('upstreams')
      .selectAll()
      .where('group_id', '=', groupId)
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
        group_id: upstream.groupId,
        url: upstream.url,
        name: upstream.name,
        description: upstream.description ?? null,
        username: upstream.username ?? null,
        password_sealed: upstream.passwordSealed ?? null,
        cache_validity_hours: upstream.cacheValidityHours,
        allow_patterns: toJsonList(upstream.allowPatterns),
        deny_patterns: toJsonList(upstream.denyPatterns),
        allow_private_network: Number(upstream.allowPrivateNetwork),
        created_at: now,
        updated_at: now,
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
        password_sealed: changes.passwordSealed,
        cache_validity_hours: changes.cacheValidityHours,
        allow_patterns: allowPatterns && toJsonList(allowPatterns),
        deny_patterns: denyPatterns && toJsonList(denyPatterns),
        allow_private_network: allowPrivateNetwork === undefined ? undefined : Number(allowPrivateNetwork),
        updated_at: sql<number>`case when updated_at < ${now} then ${now} else updated_at + 1 end`,
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
      .selectFrom('registry_upstreams as own')
      .innerJoin('registry_upstreams as other', 'other.upstream_id', 'own.upstream_id')
      .where('own.registry_id', '=', registryId)
      .where('other.registry_id', '<>', registryId)
      .select('own.upstream_id')
      .execute();
    const sharedIds = new Set(shared.map((row) => row.upstream_id));
    return upstreams.filter((upstream) => !sharedIds.has(upstream.id));
  }

  /** Removes what {@link listExclusive} gives, with the entries; gives what it removed. Part of removing the registry. */
  removeExclusive(registryId: number): Promise<readonly UpstreamRecord[]> {
    return inTransaction(this.#db, async (tx) => {
      // Held first, in the order in which associations are made, so that no other registry gets one of them meanwhile.
      await tx
        .selectFrom('virtual_registries')
        .select('id')
        .where('id', '=', registryId)
        .forNoKeyUpdate()
        .execute();
      await tx
        .selectFrom('upstreams')
        .select('id')
        .where('id', 'in', (eb) =>
          eb.selectFrom('registry_upstreams').select('upstream_id').where('registry_id', '=', registryId),
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
    groupId: row.group_id,
    url: row.url,
    name: row.name,
    description: row.description ?? undefined,
    username: row.username ?? undefined,
    passwordSealed: row.password_sealed ?? undefined,
    cacheValidityHours: row.cache_validity_hours,
    allowPatterns: fromJsonList(row.allow_patterns),
    denyPatterns: fromJsonList(row.deny_patterns),
    allowPrivateNetwork: row.allow_private_network === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
