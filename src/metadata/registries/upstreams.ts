import { type ColumnType, type Generated, type Insertable, type Kysely, sql, type Updateable } from 'kysely';
import { removeEntries } from '../cached/remove-entries.ts';
import type { Reviews } from '../collector/reviews.ts';
import { containing } from '../db/containing.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Page, Paged } from '../db/page.ts';
import { ascending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import { type RegistryUpstream, RegistryUpstreams } from './registry-upstreams.ts';

/** As {@link Optional}, where null is none in what is new, too. */
type Clearable<T> = ColumnType<T | undefined, T | null | undefined, T | null | undefined>;

/** Who logs in where that is more than a name: what is secret of it is sealed in the place of the password. */
export interface UpstreamIdentity {
  readonly provider: 'harbor-robot' | 'ecr' | 'ecr-public' | 'google' | 'azure';
  readonly accessKeyId?: string | undefined;
  readonly roleArn?: string | undefined;
  readonly externalId?: string | undefined;
  readonly serviceAccount?: string | undefined;
  readonly keyId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly clientId?: string | undefined;
}

/** How another registry is connected to. */
export interface ConnectionColumns {
  url: string;
  username: Clearable<string>;
  /** Encrypted with the installation's secret key. */
  passwordSealed: Clearable<string>;
  allowPrivateNetwork: boolean;
  /** 0: images of any age are let in. */
  minAgeHours: Generated<number>;
  /** Globs. */
  minAgeExemptPatterns: Generated<readonly string[]>;
  minAgeExemptDigests: Generated<boolean>;
  minAgeTrustCreated: Generated<boolean>;
  /** Without its login, or `direct`. */
  proxy: Clearable<string>;
  /** PEM. */
  caCertificate: Clearable<string>;
  clientCertificate: Clearable<string>;
  tlsVerify: Generated<boolean>;
  headerNames: Generated<readonly string[]>;
  /** The proxy with its login, the client certificate's key, and the headers' values; encrypted like the password. */
  networkSealed: Clearable<string>;
}

export type Connection = RecordOf<ConnectionColumns>;

export interface UpstreamTable extends ConnectionColumns {
  id: Generated<number>;
  groupId: number;
  name: string;
  description: Optional<string>;
  identity: Clearable<UpstreamIdentity>;
  cacheValidityHours: number;
  tokenHost: Optional<string>;
  stripPrefix: Optional<string>;
  addPrefix: Optional<string>;
  /** Globs. */
  allowPatterns: readonly string[];
  denyPatterns: readonly string[];
  createdAt: number;
  /** Grows with every change, even within a millisecond. */
  updatedAt: number;
}

export type UpstreamRecord = RecordOf<UpstreamTable>;

export type NewUpstream = Omit<Insertable<UpstreamTable>, 'id' | 'createdAt' | 'updatedAt'>;

/** What is undefined stays as it is; null clears. */
export type UpstreamChanges = Omit<Updateable<UpstreamTable>, 'id' | 'groupId' | 'createdAt' | 'updatedAt'>;

/** An upstream as one virtual registry has it. */
export interface AssociatedUpstream extends UpstreamRecord {
  readonly registryUpstream: RegistryUpstream;
}

export class Upstreams {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;
  readonly #pages: Pages;
  readonly #reviews: Reviews;

  constructor(db: Kysely<Tables>, now: () => number, reviews: Reviews, pages: Pages, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
    this.#reviews = reviews;
    this.#pages = pages;
  }

  /** Oldest first. @param name part of the name */
  list(groupId: number, name: string | undefined, page: Page): Promise<Paged<UpstreamRecord>> {
    let matching = this.#reading.selectFrom('upstreams').selectAll().where('groupId', '=', groupId);
    if (name) matching = matching.where((eb) => containing(eb.ref('name'), name));
    return this.#pages.list(matching, ascending('id'), page);
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
      ...row,
      registryUpstream: { id, registryId, upstreamId: row.id, position },
    }));
  }

  /** The upstreams of the group with exactly this URL. */
  listByUrl(groupId: number, url: string): Promise<readonly UpstreamRecord[]> {
    const query = this.#db
      .selectFrom('upstreams')
      .selectAll()
      .where('groupId', '=', groupId)
      .where('url', '=', url);
    return query.orderBy('id').execute();
  }

  /** The upstreams of the group that have exactly this name. */
  listByName(groupId: number, name: string): Promise<readonly UpstreamRecord[]> {
    const query = this.#db
      .selectFrom('upstreams')
      .selectAll()
      .where('groupId', '=', groupId)
      .where('name', '=', name);
    return query.orderBy('id').execute();
  }

  /** Those whose certificates nobody looks at. */
  listUnverified(): Promise<readonly UpstreamRecord[]> {
    return this.#db
      .selectFrom('upstreams')
      .selectAll()
      .where('tlsVerify', '=', false)
      .orderBy('id')
      .execute();
  }

  /** Of all groups. */
  listAll(): Promise<readonly UpstreamRecord[]> {
    return this.#db.selectFrom('upstreams').selectAll().orderBy('id').execute();
  }

  find(id: number): Promise<UpstreamRecord | undefined> {
    return this.#db.selectFrom('upstreams').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** The new upstream is in no registry yet. @throws MissingOwner */
  create(upstream: NewUpstream): Promise<UpstreamRecord> {
    const now = this.#now();
    return this.#db
      .insertInto('upstreams')
      .values({ ...upstream, createdAt: now, updatedAt: now })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** Undefined when there is no such upstream. */
  update(id: number, changes: UpstreamChanges): Promise<UpstreamRecord | undefined> {
    const now = this.#now();
    return this.#db
      .updateTable('upstreams')
      .set({
        ...changes,
        updatedAt: sql<number>`case when updated_at < ${now} then ${now} else updated_at + 1 end`,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  }

  /** Its entries go with it, whose contents are put up for review; in every registry those behind it move up. False when there was none. */
  remove(id: number): Promise<boolean> {
    return inTransaction(this.#db, async (tx) => {
      const links = new RegistryUpstreams(tx);
      for (const link of await links.listByUpstream(id)) await links.remove(link.id);
      // Nobody may add an entry meanwhile, of which there would be no review.
      await tx.selectFrom('upstreams').select('id').where('id', '=', id).forUpdate().execute();
      // A foreign key would take all of them with it at once, and let nothing else happen meanwhile.
      const entries = tx.selectFrom('cacheEntries').select('id').where('upstreamId', '=', id);
      await removeEntries(tx, this.#reviews.within(tx), entries, 'upstream_delete');
      const { numDeletedRows } = await tx
        .deleteFrom('upstreams')
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    });
  }

  /** The upstreams that this registry uses and no other, by position. */
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

  /** Removes what {@link listExclusive} gives, with the entries, and returns it: part of removing the registry. */
  removeExclusive(registryId: number): Promise<readonly UpstreamRecord[]> {
    return inTransaction(this.#db, async (tx) => {
      // They are held first, in the order in which associations are made, so that no other registry gets one of them meanwhile.
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
      const upstreams = new Upstreams(tx, this.#now, this.#reviews.within(tx), this.#pages);
      const exclusive = await upstreams.listExclusive(registryId);
      for (const { id } of exclusive) await upstreams.remove(id);
      return exclusive;
    });
  }
}
