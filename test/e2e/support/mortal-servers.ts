/**
 * Servers on the same data that are killed and started again: one on SQLite and files, or two replicas on PostgreSQL and a bucket. And what
 * is stored, seen from outside.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../../support/free-port.ts';
import { createDatabase, type OwnDatabase } from '../../support/postgres-database.ts';
import { type BlobPlace, type Bucket, openBlobPlace } from './blob-place.ts';
import { publishedBlobs, sha256Of, spools, uploads } from './data-directory.ts';
import { Entrepot, type EntrepotOptions } from './entrepot.ts';

export interface MortalOptions {
  /** files, versitygw or minio. */
  readonly storage: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

interface StoredRow {
  readonly digest: string;
  readonly storage_key: string;
}

const secretKey = '6b'.repeat(32);
const jobMs = 60_000;
const objectPrefix = 'root/';
const marker = 'root/v1/store';

export class MortalServers {
  readonly #place: BlobPlace;
  readonly #database: OwnDatabase | undefined;
  readonly #options: readonly EntrepotOptions[];
  readonly #servers: Entrepot[] = [];
  /** Of stored bytes that were compared with their digests. */
  readonly #compared = new Set<string>();
  wrong = 0;

  private constructor(
    place: BlobPlace,
    database: OwnDatabase | undefined,
    options: readonly EntrepotOptions[],
  ) {
    this.#place = place;
    this.#database = database;
    this.#options = options;
  }

  /** @returns why not, where something is not on this machine that they need */
  static async start({ storage, directory, env }: MortalOptions): Promise<MortalServers | string> {
    const place = await openBlobPlace(storage, directory);
    if (typeof place === 'string') return place;
    const postgresUrl = process.env['TEST_POSTGRES_URL'];
    if (place.bucket && !postgresUrl) return 'skipped: replicas need TEST_POSTGRES_URL';
    const database = place.bucket && postgresUrl ? await createDatabase(postgresUrl) : undefined;
    const options: EntrepotOptions[] = [];
    for (let number = 0; number < (place.bucket ? 2 : 1); number += 1)
      options.push({
        directory: join(directory, `server-${number}`),
        port: await freePort(),
        env: {
          ...env,
          ...place.env,
          ...(database && { ENTREPOT_DATABASE__URL: database.url, ENTREPOT_SECRET_KEY: secretKey }),
        },
      });
    const servers = new MortalServers(place, database, options);
    for (const number of options.keys()) await servers.revive(number);
    return servers;
  }

  get count(): number {
    return this.#options.length;
  }

  get comparedCount(): number {
    return this.#compared.size;
  }

  /** For a page of figures. */
  get told(): { readonly who: string; readonly suffix: string } {
    return this.#place.bucket
      ? { who: 'One of two replicas, on PostgreSQL and a bucket,', suffix: '-s3' }
      : { who: 'The server', suffix: '' };
  }

  /** @param number whatever it is, one of them */
  at(number: number): Entrepot {
    const server = this.#servers[number % this.count];
    if (!server) throw new Error('it was not started');
    return server;
  }

  async kill(number: number): Promise<void> {
    await this.at(number).program.end('SIGKILL');
  }

  async revive(number: number): Promise<void> {
    const options = this.#options[number % this.count];
    if (options) this.#servers[number % this.count] = await Entrepot.start(options);
  }

  /** Files that a transfer of one of them was growing. */
  spoolsOf(number: number): number {
    return spools(this.at(number).dataDirectory).length;
  }

  /** Uploads that have bytes and are not finished. */
  async countUploads(): Promise<number> {
    const bucket = this.#place.bucket;
    return bucket ? (await bucket.unfinished()).length : uploads(this.at(0).dataDirectory).length;
  }

  /** Compares all that is stored and was not compared yet with its digest. */
  async compareStored(): Promise<void> {
    const { bucket } = this.#place;
    if (!bucket) {
      for (const { file, hex } of publishedBlobs(this.at(0).dataDirectory))
        await this.#compare(file, hex, () => sha256Of(file));
      return;
    }
    for (const { digest, storage_key } of await this.#listStored())
      await this.#compare(storage_key, digest.slice('sha256:'.length), () =>
        sha256In(bucket, objectPrefix + storage_key.slice('s3:'.length)),
      );
  }

  /** What is there that is no stored blob, once all have had their time: in a bucket, uploads and objects. */
  async countLeft(): Promise<number> {
    const { bucket } = this.#place;
    const local = await this.#countSpools();
    if (!bucket) return local + (await this.countUploads());
    // As if a day had passed since a process died.
    await this.#query('update object_writes set changed_at = changed_at - 172800000');
    await this.at(0).rest('POST', '/admin/jobs/storage.writes/run');
    for (const endsAt = performance.now() + jobMs; performance.now() < endsAt; await sleep(200))
      if ((await this.#query('select id from object_writes')).length === 0) break;
    const stored = new Set((await this.#listStored()).map((row) => objectPrefix + row.storage_key.slice(3)));
    const others = (await bucket.objects()).filter((key) => key !== marker && !stored.has(key));
    return local + others.length + (await bucket.unfinished()).length;
  }

  /** Once what was pulled last is stored as well, if that comes: a client has its last byte sooner. */
  async #countSpools(): Promise<number> {
    const count = () =>
      this.#options.map((_, number) => this.spoolsOf(number)).reduce((sum, each) => sum + each, 0);
    for (const endsAt = performance.now() + jobMs; performance.now() < endsAt; await sleep(200))
      if (count() === 0) return 0;
    return count();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
    await this.#database?.drop();
    await this.#place.stop();
  }

  async #compare(name: string, hex: string, read: () => Promise<string>): Promise<void> {
    if (this.#compared.has(name)) return;
    this.wrong += (await read()) === hex ? 0 : 1;
    this.#compared.add(name);
  }

  #listStored(): Promise<StoredRow[]> {
    return this.#query<StoredRow>('select digest, storage_key from blobs');
  }

  async #query<Row extends object>(statement: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.#database?.url });
    await client.connect();
    try {
      return (await client.query<Row>(statement)).rows;
    } finally {
      await client.end();
    }
  }
}

async function sha256In(bucket: Bucket, key: string): Promise<string> {
  return createHash('sha256')
    .update(await bucket.read(key))
    .digest('hex');
}
