/** Hosted repositories as the records have them, without bytes: for what is changed there, and what is left of it. */
import type { Changer, WriteTarget } from '../../../src/hosted/changes/write-target.ts';
import type { Database } from '../../../src/metadata/db/database.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { parseTag, type Tag } from '../../../src/oci/reference.ts';
import type { DatabasePlace, EachDatabase } from '../../support/databases.ts';
import { pushImage } from '../../support/hosted-images.ts';
import { createProject, createRepository } from '../../support/hosted-records.ts';
import { findEmpty } from '../../support/templates.ts';

export const never = new AbortController().signal;
export const noPause = async () => undefined;
const firstPage = { page: 1, perPage: 100 };

/** A Maintainer. */
export const mia: Changer = { userId: 7, name: 'mia', address: '192.0.2.7', protectionLevel: 40 };

export interface Shop {
  readonly place: DatabasePlace;
  readonly database: Database;
  readonly clock: { now: number };
  /** The id of the project acme/shop. */
  readonly project: number;
  /** The id of its repository acme/shop/web. */
  readonly web: number;
  readonly target: WriteTarget;
  /** One image under these tags of acme/shop/web. */
  push(...tags: string[]): Promise<Digest>;
  /** The tags of acme/shop/web. */
  tags(): Promise<readonly string[]>;
  /** What was recorded for the operator, oldest first. */
  audited(): Promise<readonly Record<string, unknown>[]>;
  /** As of {@link listen}. */
  told(): Promise<readonly Record<string, unknown>[]>;
}

export async function openShop({ open, clock, createPlace, serverUrl }: EachDatabase): Promise<Shop> {
  const place = await createPlace(await findEmpty(serverUrl));
  const database = await open(place);
  const { id: project } = await createProject(database, 'acme/shop');
  const { id: web } = await createRepository(database, 'acme/shop/web');
  return {
    place,
    database,
    clock,
    project,
    web,
    target: targetOf(project, 'acme/shop/web'),
    push: (...tags) => pushImage(database, web, tags),
    tags: () => database.repositoryLists.listTagNames(web),
    async audited() {
      const { records } = await database.auditEvents.list({}, firstPage);
      return records.toReversed();
    },
    told: await listen(database),
  };
}

/** What those are told from now on who want to know of everything, oldest first. */
export async function listen(database: Database): Promise<Shop['told']> {
  await database.webhooks.configure([
    { name: 'all', isDisabled: false, ignoredActions: [], ignoredMediaTypes: [] },
  ]);
  const [webhook] = (await database.webhooks.list(undefined, firstPage)).records;
  return async () => {
    const { records } = await database.webhookDeliveries.list(webhook?.id ?? 0, {}, firstPage);
    return records.toReversed().map(({ event }) => JSON.parse(event));
  };
}

export function targetOf(projectId: number, name: string, writer: Changer = mia): WriteTarget {
  return { projectId, projectPath: 'acme/shop', name, writer };
}

export const tagsOf = (...names: string[]): readonly Tag[] => names.map(parseTag);

/** The database, where something happens before or after its n-th transaction, counted from 1. */
export function watching(
  database: Database,
  watch: { before?(count: number): unknown; after?(count: number): unknown },
): Database {
  let count = 0;
  const transaction = async (run: Parameters<Database['transaction']>[0]) => {
    count += 1;
    const turn = count;
    await watch.before?.(turn);
    const result = await database.transaction(run);
    await watch.after?.(turn);
    return result;
  };
  return Object.create(database, { transaction: { value: transaction } });
}
