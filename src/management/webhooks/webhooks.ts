/** Endpoints that are told what happens in a project, and what all endpoints were told. */
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { DeliveryState, WebhookDelivery } from '../../metadata/webhooks/webhook-deliveries.ts';
import type { Webhook } from '../../metadata/webhooks/webhooks.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandAdministrator, Rights } from '../acting/rights.ts';
import type { FindBlockedAddress } from '../registries/upstream-url.ts';
import { newWebhookOf, type WebhookInput, webhookChangesOf } from './webhook-input.ts';
import type { WebhookSecrets } from './webhook-secrets.ts';

/** Sends what is recorded once more, at once. */
export interface Resender {
  /** Undefined where the endpoint cannot be told anything. */
  resend(webhook: Webhook, delivery: WebhookDelivery): Promise<ResendResult | undefined>;
}

export interface ResendResult {
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
  /** Why it was not taken. */
  readonly error: string | undefined;
}

export interface WebhookServiceOptions {
  readonly database: Database;
  readonly secrets: WebhookSecrets;
  readonly resender: Resender;
  readonly findBlockedAddress: FindBlockedAddress;
  readonly maxPerProject: number;
}

/** Endpoints of a project, by its number or full path; or those of the configuration. */
export type WebhookOwner = { readonly project: string } | 'configuration';

export class WebhookService {
  readonly #options: WebhookServiceOptions;
  readonly #database: Database;
  readonly #rights = new Rights();

  constructor(options: WebhookServiceOptions) {
    this.#options = options;
    this.#database = options.database;
  }

  /**
   * Maintainers see the endpoints of a project, administrators those of the configuration; oldest first.
   * @throws RefusedError not-found, forbidden
   */
  async list(actor: Actor, owner: WebhookOwner, page: Page): Promise<Paged<Webhook>> {
    return this.#database.webhooks.list(await this.#demand(this.#database, actor, owner, 'read'), page);
  }

  /** @throws RefusedError not-found, forbidden */
  async get(actor: Actor, owner: WebhookOwner, id: number): Promise<Webhook> {
    return this.#get(this.#database, actor, owner, id, 'read');
  }

  /** Maintainers make endpoints. @throws RefusedError not-found, forbidden, invalid */
  async create(actor: Actor, project: string, input: WebhookInput): Promise<Webhook> {
    const { secrets, findBlockedAddress, maxPerProject } = this.#options;
    return runChange(this.#database, async (tx) => {
      const { id, fullPath } = await this.#rights.getProject(tx, actor, project, 'write');
      // The project is held, so that of two at once both are counted.
      await tx.projects.hold(id);
      if ((await tx.webhooks.count(id)) >= maxPerProject)
        throw new RefusedError('invalid', {
          base: [`Maximum number of project hooks (${maxPerProject}) exceeded`],
        });
      const webhook = await tx.webhooks.create(id, newWebhookOf(id, input, secrets, findBlockedAddress));
      await record(tx, actor, 'webhook.create', webhook, fullPath);
      return webhook;
    });
  }

  /**
   * Maintainers change endpoints. At another URL, secrets that are not given anew are gone.
   * @throws RefusedError not-found, forbidden, invalid
   */
  async update(actor: Actor, project: string, id: number, input: WebhookInput): Promise<Webhook> {
    const { secrets, findBlockedAddress } = this.#options;
    return runChange(this.#database, async (tx) => {
      const { id: projectId, fullPath } = await this.#rights.getProject(tx, actor, project, 'write');
      const known = await find(tx, projectId, id);
      const changes = webhookChangesOf(known, input, secrets, findBlockedAddress);
      const webhook = await tx.webhooks.update(id, changes);
      if (!webhook) throw new RefusedError('not-found');
      await record(tx, actor, 'webhook.update', webhook, fullPath, {
        token: input.token !== undefined || undefined,
      });
      return webhook;
    });
  }

  /** Maintainers remove endpoints with what these were still to be told. @throws RefusedError not-found, forbidden */
  async remove(actor: Actor, project: string, id: number): Promise<void> {
    await runChange(this.#database, async (tx) => {
      const { id: projectId, fullPath } = await this.#rights.getProject(tx, actor, project, 'write');
      const webhook = await find(tx, projectId, id);
      await tx.webhooks.remove(id);
      await record(tx, actor, 'webhook.delete', webhook, fullPath);
    });
  }

  /** What it was told and is still to be told, newest first. @throws RefusedError not-found, forbidden */
  async listDeliveries(
    actor: Actor,
    owner: WebhookOwner,
    id: number,
    filter: { readonly state?: DeliveryState | undefined },
    page: Page,
  ): Promise<Paged<WebhookDelivery> & { readonly webhook: Webhook }> {
    const webhook = await this.#get(this.#database, actor, owner, id, 'read');
    return { ...(await this.#database.webhookDeliveries.list(id, filter, page)), webhook };
  }

  /**
   * Sends what arrived or was given up once more, under the same id, and waits for the answer.
   * @throws RefusedError not-found, forbidden; bad-request for what is still to be sent, and where the endpoint is turned off
   */
  async resend(actor: Actor, owner: WebhookOwner, id: number, deliveryId: number): Promise<ResendResult> {
    const webhook = await this.#get(this.#database, actor, owner, id, 'write');
    const delivery = await this.#database.webhookDeliveries.find(id, deliveryId);
    if (!delivery) throw new RefusedError('not-found');
    if (delivery.state === 'pending') throw new RefusedError('bad-request', 'the event is still to be sent');
    const result = webhook.isDisabled ? undefined : await this.#options.resender.resend(webhook, delivery);
    if (!result) throw new RefusedError('bad-request', 'the endpoint is turned off');
    const { projectId } = webhook;
    const project = projectId === undefined ? undefined : await this.#database.projects.find(projectId);
    await recordChange(this.#database, actor, {
      action: 'webhook.resend',
      targetId: id,
      details: { delivery: delivery.deliveryId, status: result.status },
      projectPath: project?.fullPath,
    });
    return result;
  }

  async #get(
    records: Records,
    actor: Actor,
    owner: WebhookOwner,
    id: number,
    purpose: 'read' | 'write',
  ): Promise<Webhook> {
    return find(records, await this.#demand(records, actor, owner, purpose), id);
  }

  /** The number of the project; undefined: the endpoints are the configuration's. */
  async #demand(
    records: Records,
    actor: Actor,
    owner: WebhookOwner,
    purpose: 'read' | 'write',
  ): Promise<number | undefined> {
    if (owner !== 'configuration')
      return (await this.#rights.getProject(records, actor, owner.project, 'write')).id;
    demandAdministrator(actor, purpose);
    return undefined;
  }
}

/** @throws RefusedError not-found */
async function find(
  { webhooks }: Pick<Records, 'webhooks'>,
  projectId: number | undefined,
  id: number,
): Promise<Webhook> {
  const webhook = await webhooks.find(id);
  if (!webhook || webhook.projectId !== projectId) throw new RefusedError('not-found');
  return webhook;
}

/** Queries of addresses may be secrets. */
async function record(
  tx: Records,
  actor: Actor,
  action: string,
  { id, projectId, url, ...webhook }: Webhook,
  projectPath: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { origin, pathname } = new URL(url);
  await recordChange(tx, actor, {
    action,
    targetId: id,
    details: {
      projectId,
      name: webhook.name,
      url: origin + pathname,
      ignoredActions: webhook.ignoredActions,
      ignoredMediaTypes: webhook.ignoredMediaTypes,
      disabled: webhook.isDisabled,
      ...more,
    },
    projectPath,
  });
}
