/** Endpoints that are told what happens in repositories: of a project, or of all where the configuration names them. */
import type { Insertable, Kysely, Selectable } from 'kysely';
import { z } from 'zod';
import { type EventAction, type EventFilter, eventActions } from '../../oci/registry-event.ts';
import { inTransaction } from '../db/in-transaction.ts';
import { fromJsonList, toJsonList } from '../db/json-list.ts';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';

export interface WebhookSettings extends EventFilter {
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly url: string;
  /** What deliveries are signed with, sealed for this project and this url. */
  readonly secretSealed: string | undefined;
  /** JSON object, sealed as the secret is. */
  readonly headersSealed: string | undefined;
  readonly headerNames: readonly string[];
  /** Undefined, here and below: as the configuration says. */
  readonly timeoutMs: number | undefined;
  readonly backoffMs: number | undefined;
  readonly maxRetries: number | undefined;
  readonly isDisabled: boolean;
}

export interface Webhook extends WebhookSettings {
  readonly id: number;
  /** Undefined: of the configuration, which has all that is said of it here but its filter. */
  readonly projectId: number | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What the records have to know of an endpoint that the configuration names. */
export interface ConfiguredWebhook extends EventFilter {
  readonly name: string;
  readonly isDisabled: boolean;
}

const actionsSchema = z.array(z.enum(eventActions));

export class Webhooks {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Oldest first. @param projectId undefined: those of the configuration */
  async list(projectId: number | undefined, page: Page): Promise<Paged<Webhook>> {
    const rows = await this.#of(projectId)
      .selectAll()
      .orderBy('id')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total: await this.count(projectId) };
  }

  async count(projectId: number | undefined): Promise<number> {
    const { count } = await this.#of(projectId)
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    return count;
  }

  #of(projectId: number | undefined) {
    const all = this.#db.selectFrom('webhooks');
    return projectId === undefined
      ? all.where('project_id', 'is', null)
      : all.where('project_id', '=', projectId);
  }

  async find(id: number): Promise<Webhook | undefined> {
    const row = await this.#db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
    return row && fromRow(row);
  }

  /** @throws MissingOwner when the project is gone */
  async create(projectId: number, settings: WebhookSettings): Promise<Webhook> {
    const now = this.#now();
    const row = await this.#db
      .insertInto('webhooks')
      .values({ ...toRow(settings), project_id: projectId, created_at: now, updated_at: now })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when it is gone. */
  async update(id: number, settings: WebhookSettings): Promise<Webhook | undefined> {
    const row = await this.#db
      .updateTable('webhooks')
      .set({ ...toRow(settings), updated_at: this.#now() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** With what it was still to be told. */
  async remove(id: number): Promise<void> {
    await this.#db.deleteFrom('webhooks').where('id', '=', id).execute();
  }

  /** These are the configuration's from now on; others that were are told nothing any more. */
  configure(endpoints: readonly ConfiguredWebhook[]): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      const now = this.#now();
      const names = endpoints.map(({ name }) => name);
      let others = tx.updateTable('webhooks').set({ disabled: 1 }).where('project_id', 'is', null);
      if (names.length > 0) others = others.where('name', 'not in', names);
      await others.execute();
      for (const { name, isDisabled, ignoredActions, ignoredMediaTypes } of endpoints) {
        const known = {
          ignored_actions: toJsonList(ignoredActions),
          ignored_media_types: toJsonList(ignoredMediaTypes),
          disabled: isDisabled ? 1 : 0,
        };
        await tx
          .insertInto('webhooks')
          .values({ ...known, name, url: '', header_names: '[]', created_at: now, updated_at: now })
          .onConflict((conflict) =>
            conflict.column('name').where('project_id', 'is', null).doUpdateSet(known),
          )
          .execute();
      }
    });
  }

  /** Of projects, and undefined where all are: whose pulls someone wants to be told of. */
  async listPullPlaces(): Promise<ReadonlySet<number | undefined>> {
    const rows = await this.#db
      .selectFrom('webhooks')
      .select(['project_id', 'ignored_actions'])
      .where('disabled', '=', 0)
      .execute();
    const wanting = rows.filter((row) => !fromJsonList(row.ignored_actions).includes('pull'));
    return new Set(wanting.map((row) => row.project_id ?? undefined));
  }
}

function toRow(settings: WebhookSettings): Omit<Insertable<Tables['webhooks']>, 'created_at' | 'updated_at'> {
  return {
    name: settings.name ?? null,
    description: settings.description ?? null,
    url: settings.url,
    secret_sealed: settings.secretSealed ?? null,
    headers_sealed: settings.headersSealed ?? null,
    header_names: toJsonList(settings.headerNames),
    ignored_actions: toJsonList(settings.ignoredActions),
    ignored_media_types: toJsonList(settings.ignoredMediaTypes),
    timeout_ms: settings.timeoutMs ?? null,
    backoff_ms: settings.backoffMs ?? null,
    max_retries: settings.maxRetries ?? null,
    disabled: settings.isDisabled ? 1 : 0,
  };
}

function fromRow(row: Selectable<Tables['webhooks']>): Webhook {
  return {
    id: row.id,
    projectId: row.project_id ?? undefined,
    name: row.name ?? undefined,
    description: row.description ?? undefined,
    url: row.url,
    secretSealed: row.secret_sealed ?? undefined,
    headersSealed: row.headers_sealed ?? undefined,
    headerNames: fromJsonList(row.header_names),
    ...filterOf(row),
    timeoutMs: row.timeout_ms ?? undefined,
    backoffMs: row.backoff_ms ?? undefined,
    maxRetries: row.max_retries ?? undefined,
    isDisabled: row.disabled === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function filterOf(
  row: Pick<Selectable<Tables['webhooks']>, 'ignored_actions' | 'ignored_media_types'>,
): EventFilter {
  const ignoredActions: readonly EventAction[] = actionsSchema.parse(JSON.parse(row.ignored_actions));
  return { ignoredActions, ignoredMediaTypes: fromJsonList(row.ignored_media_types) };
}
