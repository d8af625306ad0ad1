/** Endpoints that are told what happens in repositories: of a project, or of all where the configuration names them. */
import type { Generated, Insertable, Kysely, Updateable } from 'kysely';
import type { EventFilter } from '../../oci/registry-event.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Page, Paged } from '../db/page.ts';
import { ascending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** An endpoint: of a project, or one that the configuration names. */
export interface WebhookTable {
  id: Generated<number>;
  /** Undefined: the endpoint is the configuration's, which says all of it that is here but its filter. */
  projectId: Optional<number>;
  /** The name of an endpoint of the configuration, unique there. */
  name: Optional<string>;
  description: Optional<string>;
  /** Empty for one of the configuration. */
  url: string;
  /** What deliveries are signed with, sealed for this project and this url. */
  secretSealed: Optional<string>;
  /** JSON object, sealed as the secret is. */
  headersSealed: Optional<string>;
  /** For people to see. */
  headerNames: readonly string[];
  ignoredActions: EventFilter['ignoredActions'];
  ignoredMediaTypes: EventFilter['ignoredMediaTypes'];
  /** Undefined, here and below: as the configuration says. */
  timeoutMs: Optional<number>;
  backoffMs: Optional<number>;
  maxRetries: Optional<number>;
  isDisabled: boolean;
  createdAt: number;
  updatedAt: number;
}

export type Webhook = RecordOf<WebhookTable>;

type Given = Exclude<keyof WebhookTable, 'id' | 'projectId' | 'createdAt' | 'updatedAt'>;

export type NewWebhook = Readonly<Pick<Insertable<WebhookTable>, Given>>;

/** What is undefined stays as it is; null clears. */
export type WebhookChanges = Readonly<Pick<Updateable<WebhookTable>, Given>>;

/** What the records have to know of an endpoint that the configuration names. */
export interface ConfiguredWebhook extends EventFilter {
  readonly name: string;
  readonly isDisabled: boolean;
}

export class Webhooks {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, now: () => number, pages: Pages, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
    this.#pages = pages;
  }

  /** Oldest first. @param projectId undefined: those of the configuration */
  list(projectId: number | undefined, page: Page): Promise<Paged<Webhook>> {
    const all = this.#reading.selectFrom('webhooks').selectAll();
    const those =
      projectId === undefined ? all.where('projectId', 'is', null) : all.where('projectId', '=', projectId);
    return this.#pages.list(those, ascending('id'), page);
  }

  async count(projectId: number): Promise<number> {
    const { count } = await this.#db
      .selectFrom('webhooks')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('projectId', '=', projectId)
      .executeTakeFirstOrThrow();
    return count;
  }

  find(id: number): Promise<Webhook | undefined> {
    return this.#db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** @throws MissingOwner when the project is gone */
  create(projectId: number, webhook: NewWebhook): Promise<Webhook> {
    const now = this.#now();
    return this.#db
      .insertInto('webhooks')
      .values({ ...webhook, projectId, createdAt: now, updatedAt: now })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** Undefined when it is gone. */
  update(id: number, changes: WebhookChanges): Promise<Webhook | undefined> {
    return this.#db
      .updateTable('webhooks')
      .set({ ...changes, updatedAt: this.#now() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  }

  /** What it was still to be told goes with it. */
  async remove(id: number): Promise<void> {
    await this.#db.deleteFrom('webhooks').where('id', '=', id).execute();
  }

  /** These are the configuration's from now on; others that were are told nothing any more. */
  configure(endpoints: readonly ConfiguredWebhook[]): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      const now = this.#now();
      const names = endpoints.map(({ name }) => name);
      let others = tx.updateTable('webhooks').set({ isDisabled: true }).where('projectId', 'is', null);
      if (names.length > 0) others = others.where('name', 'not in', names);
      await others.execute();
      for (const { name, isDisabled, ignoredActions, ignoredMediaTypes } of endpoints) {
        const known = { ignoredActions, ignoredMediaTypes, isDisabled };
        await tx
          .insertInto('webhooks')
          .values({ ...known, name, url: '', headerNames: [], createdAt: now, updatedAt: now })
          .onConflict((conflict) => conflict.column('name').where('projectId', 'is', null).doUpdateSet(known))
          .execute();
      }
    });
  }

  /** The projects whose pulls someone wants to be told of; undefined among them: all projects. */
  async listPullPlaces(): Promise<ReadonlySet<number | undefined>> {
    const webhooks = await this.#db
      .selectFrom('webhooks')
      .select(['projectId', 'ignoredActions'])
      .where('isDisabled', '=', false)
      .execute();
    const wanting = webhooks.filter(({ ignoredActions }) => !ignoredActions.includes('pull'));
    return new Set(wanting.map(({ projectId }) => projectId));
  }
}
