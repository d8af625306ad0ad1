/** Several servers on one PostgreSQL, one blob directory and one Redis, behind nginx, which gives each request to the next of them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../support/free-port.ts';
import { createDatabase, type OwnDatabase } from '../../support/postgres-database.ts';
import { Entrepot } from './entrepot.ts';
import type { ManyProcesses } from './many-processes.ts';
import { answers, type RunningProgram, start } from './processes.ts';

export interface ReplicasOptions {
  readonly directory: string;
  readonly count: number;
  /** A superuser's URL. */
  readonly postgresUrl: string;
  readonly redisUrl: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

interface Replica {
  readonly server: Entrepot;
  readonly clusterAddress: string;
}

export class Replicas implements ManyProcesses {
  readonly #replicas: readonly Replica[];
  readonly #database: OwnDatabase;
  readonly #nginx: RunningProgram;
  /** http://host:port of nginx. */
  readonly url: string;

  private constructor(
    replicas: readonly Replica[],
    database: OwnDatabase,
    nginx: RunningProgram,
    url: string,
  ) {
    this.#replicas = replicas;
    this.#database = database;
    this.#nginx = nginx;
    this.url = url;
  }

  static async start(options: ReplicasOptions): Promise<Replicas> {
    const { directory, count, postgresUrl, redisUrl, env } = options;
    mkdirSync(directory, { recursive: true });
    const database = await createDatabase(postgresUrl);
    const secretKey = randomBytes(32).toString('hex');
    const replicas: Replica[] = [];
    for (let index = 0; index < count; index += 1) {
      const clusterAddress = `127.0.0.1:${await freePort()}`;
      const server = await Entrepot.start({
        directory: join(directory, `replica-${index}`),
        env: {
          ENTREPOT_DATABASE__URL: database.url,
          ENTREPOT_STORAGE__DIRECTORY: join(directory, 'blobs'),
          ENTREPOT_SECRET_KEY: secretKey,
          ENTREPOT_CLUSTER__ADDRESS: clusterAddress,
          ...(redisUrl && { ENTREPOT_SHARED_CACHE__URL: redisUrl }),
          ...env,
        },
      });
      replicas.push({ server, clusterAddress });
    }
    const address = `127.0.0.1:${await freePort()}`;
    const nginx = await startNginx(
      directory,
      address,
      replicas.map(({ server }) => server.host),
    );
    return new Replicas(replicas, database, nginx, `http://${address}`);
  }

  get servers(): readonly Entrepot[] {
    return this.#replicas.map(({ server }) => server);
  }

  get urls(): readonly string[] {
    return this.servers.map(({ url }) => url);
  }

  /** Any of them. */
  get first(): Entrepot {
    const [first] = this.servers;
    if (!first) throw new Error('there are no replicas');
    return first;
  }

  async killOwnerOf(digest: string): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.#database.url });
    await client.connect();
    try {
      const { rows } = await client.query<{ address: string }>(
        'select address from fill_leases where key like $1',
        [`%${digest}`],
      );
      const owner = this.#replicas.find(({ clusterAddress }) => clusterAddress === rows[0]?.address);
      await owner?.server.program.end('SIGKILL');
      return owner !== undefined;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.#nginx.stop();
    await Promise.all(this.servers.map((server) => server.stop()));
    await this.#database.drop();
  }
}

function startNginx(directory: string, address: string, hosts: readonly string[]): Promise<RunningProgram> {
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path ${directory}/nginx-body;
  proxy_temp_path ${directory}/nginx-proxy;
  fastcgi_temp_path ${directory}/nginx-fastcgi;
  uwsgi_temp_path ${directory}/nginx-uwsgi;
  scgi_temp_path ${directory}/nginx-scgi;
  upstream replicas {
${hosts.map((host) => `    server ${host};`).join('\n')}
  }
  server {
    listen ${address};
    location / {
      proxy_pass http://replicas;
      proxy_set_header Host $http_host;
      proxy_buffering off;
      proxy_read_timeout 300s;
    }
  }
}
`,
  );
  const logFile = join(directory, 'nginx.log');
  return start('nginx', ['-c', file, '-e', logFile], {
    logFile,
    isReady: () => answers(`http://${address}/v2/`),
  });
}
