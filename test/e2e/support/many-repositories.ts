/** A server with many repositories of many tags, which were written to its records while it was stopped. */
import { join } from 'node:path';
import { databaseFile } from '../../../src/config/data-directory.ts';
import { type Database, openDatabase } from '../../../src/metadata/db/database.ts';
import type { Records } from '../../../src/metadata/db/records.ts';
import { pushImage } from '../../support/hosted-images.ts';
import { createRepository } from '../../support/hosted-records.ts';
import { silentLog } from '../../support/silent-log.ts';
import { Entrepot } from './entrepot.ts';

export interface ManyOptions {
  readonly directory: string;
  /** Of an empty database; undefined for SQLite. */
  readonly databaseUrl: string | undefined;
  readonly repositories: number;
  /** Of each repository. */
  readonly tags: number;
  /** Of one repository more. */
  readonly bulkTags: number;
}

const tagsAtOnce = 500;
export const tagsPerImage = 10;
const secretKey = { ENTREPOT_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') };

export class ManyRepositories {
  readonly server: Entrepot;
  readonly options: ManyOptions;
  /** Ids of the first of the many, and of that with the most tags. */
  readonly firstId: number;
  readonly bulkId: number;

  private constructor(server: Entrepot, options: ManyOptions, ids: { firstId: number; bulkId: number }) {
    this.server = server;
    this.options = options;
    this.firstId = ids.firstId;
    this.bulkId = ids.bulkId;
  }

  static async start(options: ManyOptions): Promise<ManyRepositories> {
    const { directory, databaseUrl } = options;
    const env = databaseUrl === undefined ? {} : { ENTREPOT_DATABASE__URL: databaseUrl };
    const start = () => Entrepot.start({ directory, env: { ...env, ...secretKey } });
    // A store belongs to its database from the first start on.
    await (await start()).stop();
    const file = databaseFile(join(directory, 'data'));
    const database = await openDatabase({ url: databaseUrl, file, log: silentLog, now: Date.now });
    const ids = await fill(database, options).finally(() => database.close());
    const server = await start();
    return new ManyRepositories(server, options, ids);
  }

  /** For people. */
  get databaseName(): string {
    return this.options.databaseUrl === undefined ? 'SQLite' : 'PostgreSQL';
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server.stop();
  }
}

export function tagName(tag: number): string {
  return `v${String(tag).padStart(6, '0')}`;
}

async function fill(database: Database, { repositories, tags, bulkTags }: ManyOptions) {
  let firstId = 0;
  for (let index = 0; index < repositories; index += 1) {
    const id = await fillRepository(database, `many/repositories/r${index}`, tags, tagsPerImage);
    if (index === 0) firstId = id;
  }
  return { firstId, bulkId: await fillRepository(database, 'many/tags', bulkTags, tagsPerImage) };
}

/** @param perImage tags of one manifest */
async function fillRepository(
  database: Database,
  name: string,
  tags: number,
  perImage: number,
): Promise<number> {
  const { id } = await database.transaction((tx) => createRepository(tx, name));
  for (let start = 0; start < tags; start += tagsAtOnce)
    await database.transaction((tx) => fillTags(tx, id, start, Math.min(tags, start + tagsAtOnce), perImage));
  return id;
}

async function fillTags(
  tx: Records,
  id: number,
  start: number,
  end: number,
  perImage: number,
): Promise<void> {
  const layers = ['base', 'runtime'].map((text) => ({ kind: 'layer' as const, text, size: 1_000_000 }));
  for (let tag = start; tag < end; tag += perImage) {
    const names = Array.from({ length: Math.min(perImage, end - tag) }, (_, index) => tagName(tag + index));
    const own = { kind: 'layer' as const, text: `layer ${id} ${tag}`, size: 1000 + tag };
    await pushImage(tx, id, names, [
      { kind: 'config', text: `config ${id} ${tag}`, size: 500 },
      ...layers,
      own,
    ]);
  }
}
