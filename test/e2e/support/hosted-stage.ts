/** A server with a project, images in it, another registry that has them too, and clients with stores of their own. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { Client, ClientKind, Credentials, Sources } from './clients/client.ts';
import { DockerRegistry } from './docker-registry.ts';
import { Entrepot, rootToken } from './entrepot.ts';
import { run } from './processes.ts';

/** A request as the server's log tells it. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

const root: Credentials = { username: 'root', password: rootToken };

export class HostedStage {
  readonly directory: string;
  readonly server: Entrepot;
  /** Holds what the images are made of. */
  readonly upstream: DockerRegistry;
  readonly #clients: Client[] = [];

  private constructor(directory: string, server: Entrepot, upstream: DockerRegistry) {
    this.directory = directory;
    this.server = server;
    this.upstream = upstream;
  }

  /** With the project team/project, and the images `bb:1`, `schema2:1` and `multi:1` below team/project/base. @param env of the server */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<HostedStage> {
    const directory = mkdtempSync(join(tmpdir(), 'entrepot-e2e-'));
    const server = await Entrepot.start({ directory: join(directory, 'server'), env });
    const upstream = await DockerRegistry.start({
      directory: join(directory, 'upstream'),
      storage: inject('imageStorage'),
    });
    const stage = new HostedStage(directory, server, upstream);
    await server.createProject('team/project');
    const access = ['--src-tls-verify=false', '--dest-tls-verify=false', '--dest-creds', `root:${rootToken}`];
    for (const image of ['bb', 'schema2', 'multi']) {
      const [from, to] = [`${stage.sources.elsewhere}/${image}`, `${server.host}/team/project/base`];
      await run('skopeo', ['sync', '--src', 'docker', '--dest', 'docker', '--all', ...access, from, to]);
    }
    return stage;
  }

  get sources(): Sources {
    return {
      elsewhere: `${this.upstream.host}/library`,
      here: `${this.server.host}/team/project/base`,
    };
  }

  /** @param name of its folder */
  async open(kind: ClientKind, name: string, credentials = root): Promise<Client> {
    const client = await kind.open(join(this.directory, name), this.server.host, credentials);
    this.#clients.push(client);
    return client;
  }

  /** What the server was asked so far of a repository. */
  requestsOf(repository: string): LoggedRequest[] {
    return readFileSync(this.server.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"message":"request"'))
      .map((line): LoggedRequest => JSON.parse(line))
      .filter(({ path }) => path.startsWith(`/v2/${repository}/`));
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.upstream.stop();
    await this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
