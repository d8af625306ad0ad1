/** Several workers of one machine, on SQLite: each connection is given to the next of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Entrepot } from './entrepot.ts';
import type { ManyProcesses } from './many-processes.ts';

export interface WorkersOptions {
  readonly directory: string;
  readonly count: number;
  readonly env?: Readonly<Record<string, string>>;
}

export class Workers implements ManyProcesses {
  readonly first: Entrepot;
  readonly urls: readonly string[];

  private constructor(server: Entrepot, count: number) {
    this.first = server;
    this.urls = Array.from({ length: count }, () => server.url);
  }

  static async start({ directory, count, env }: WorkersOptions): Promise<Workers> {
    const server = await Entrepot.start({
      directory: join(directory, 'workers'),
      env: { ENTREPOT_HTTP__WORKERS: String(count), ...env },
    });
    return new Workers(server, count);
  }

  get url(): string {
    return this.first.url;
  }

  async killOwnerOf(digest: string): Promise<boolean> {
    const database = new DatabaseSync(join(this.first.dataDirectory, 'entrepot.db'), { readOnly: true });
    const row = database
      .prepare(
        'select name from fill_leases join processes on processes.address = fill_leases.address where key like ?',
      )
      .get(`%${digest}`);
    database.close();
    const number = /worker (\d+)$/.exec(String(row?.['name']))?.[1];
    if (number === undefined) return false;
    process.kill(this.#pidOf(number), 'SIGKILL');
    return true;
  }

  stop(): Promise<void> {
    return this.first.stop();
  }

  /** As the log says it. */
  #pidOf(number: string): number {
    const lines = readFileSync(this.first.logFile, 'utf8').split('\n');
    const line = lines.findLast(
      (each) => each.includes('"message":"listening"') && each.includes(`"worker":${number},`),
    );
    return Number(/"pid":(\d+)/.exec(line ?? '')?.[1]);
  }
}
