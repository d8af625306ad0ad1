/**
 * Every cell of test/support/access-table.ts, asked of the running server both ways: with Basic straight on /v2, and with a
 * token of /jwt/auth that was asked for everything at once.
 */
import { expect, onTestFinished, test } from 'vitest';
import { type Asker, applySettings, createAskers, createProjects } from '../support/access-askers.ts';
import { mayList, mayPullVirtual, mayUse, operations, type TableProject } from '../support/access-table.ts';
import type { TestApp } from '../support/app.ts';
import { basicOf, Credentials } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { inTurns } from '../support/in-turns.ts';
import { type Answer, KeepAliveClient, verdictOf } from '../support/keep-alive.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const accept = 'application/vnd.oci.image.manifest.v1+json';
const requests = {
  pull: { method: 'GET', path: 'manifests/1' },
  push: { method: 'POST', path: 'blobs/uploads/' },
  delete: { method: 'DELETE', path: 'manifests/absent' },
} as const;
/** Deleting what is not there tells by its refusal whether it was allowed. */
const allowed = { pull: '200', push: '202', delete: '404 MANIFEST_UNKNOWN' } as const;
const denied = { pull: '404 NAME_UNKNOWN', push: '403 DENIED', delete: '403 DENIED' } as const;
/** Whoever has not said who they are may do so. */
const challenged = '401 UNAUTHORIZED';

/** More than 1000 requests in 15 s come from one address here. */
const unlimited = { ENTREPOT_RATE_LIMITS__REQUESTS: '0' };

interface TableRegistry {
  readonly name: string;
  readonly anonymousPull: boolean;
}

interface Stage {
  readonly projects: readonly TableProject[];
  readonly registries: readonly TableRegistry[];
  readonly askers: readonly Asker[];
}

describeApp('who may do what, as GitLab documents it', (start) => {
  test('every cell of role, visibility, setting, action and kind of credential is as documented', async () => {
    await using upstream = await new FakeRegistry().start();
    await using app = await start({ environment: unlimited });
    const stage = await prepare(app, upstream);
    const matrix = new Matrix(app, stage);
    await inTurns(stage.askers, (asker) => matrix.ask(asker));
    expect(matrix.wrong).toEqual([]);
    expect(matrix.cells).toBeGreaterThan(8000);
  }, 240_000);
});

async function prepare(app: TestApp, upstream: FakeRegistry): Promise<Stage> {
  const credentials = new Credentials(app);
  const { id } = await credentials.call<{ id: number }>('POST', '/groups', {
    name: 'matrix',
    path: 'matrix',
  });
  const projects = await createProjects(credentials, id);
  const homeId = await createProject(app, 'elsewhere/home');
  const home = { id: homeId, path: 'elsewhere/home', visibility: 'private', setting: 'enabled' } as const;
  for (const { path } of projects) await new Pusher(app, path).image(fakeImage(), '1');
  await applySettings(credentials, projects);
  upstream.repository('x').addImage({ tag: '1' });
  const registries: TableRegistry[] = [];
  for (const anonymousPull of [false, true]) {
    const fields = { name: `anonymous pull ${anonymousPull}`, anonymous_pull: anonymousPull };
    const path = `/groups/${id}/-/virtual_registries/container/registries`;
    const registry = await credentials.call<{ id: number }>('POST', path, fields);
    const upstreams = `/virtual_registries/container/registries/${registry.id}/upstreams`;
    await credentials.call('POST', upstreams, {
      name: 'fake',
      url: `${upstream.url}`,
      username: `u${registry.id}`,
      password: 'p',
    });
    registries.push({ name: `virtual_registries/container/${registry.id}/x`, anonymousPull });
  }
  return { projects, registries, askers: await createAskers(credentials, projects, home) };
}

class Matrix {
  readonly wrong: string[] = [];
  cells = 0;
  readonly #client: KeepAliveClient;
  readonly #stage: Stage;

  constructor(app: TestApp, stage: Stage) {
    this.#client = new KeepAliveClient(app.url);
    onTestFinished(() => this.#client.close());
    this.#stage = stage;
  }

  async ask(asker: Asker): Promise<void> {
    const basic: Record<string, string> = asker.secret ? { authorization: basicOf(asker.secret) } : {};
    // Without credentials it is always the challenge, by which clients find the token for nobody in particular.
    if (asker.secret) await this.#askAll(asker, `${asker.name}, Basic`, basic);
    const authorization = `Bearer ${await this.#tokenFor(asker, basic)}`;
    await this.#askAll(asker, `${asker.name}, bearer`, { authorization });
  }

  async #askAll(asker: Asker, who: string, headers: Readonly<Record<string, string>>): Promise<void> {
    const { standing, projects } = asker;
    const isNobody = standing.kind === 'anonymous';
    for (const project of projects) {
      for (const operation of operations) {
        const { method, path } = requests[operation];
        const answer = await this.#client.ask(method, `/v2/${project.path}/${path}`, { accept, ...headers });
        const refusal = isNobody ? challenged : denied[operation];
        const expected = mayUse(standing, project, operation) ? allowed[operation] : refusal;
        this.#compare(`${who}: ${operation} ${project.path}`, expected, verdictOf(answer));
      }
    }
    for (const { name, anonymousPull } of this.#stage.registries) {
      const answer = await this.#client.ask('GET', `/v2/${name}/manifests/1`, { accept, ...headers });
      const refusal = isNobody ? challenged : denied.pull;
      const expected = mayPullVirtual(standing, this.#stage.projects, anonymousPull) ? allowed.pull : refusal;
      const what = anonymousPull ? 'virtual registry with anonymous_pull' : 'virtual registry';
      this.#compare(`${who}: pull from a ${what}`, expected, verdictOf(answer));
    }
    this.#compare(`${who}: catalog`, this.#catalogFor(asker), await this.#catalog(headers));
  }

  /** Exactly what they may pull. */
  #catalogFor({ standing }: Asker): string {
    if (standing.kind === 'anonymous') return challenged;
    if (!mayList(standing)) return '403 DENIED';
    const names = this.#stage.projects.filter((project) => mayUse(standing, project, 'pull'));
    return names
      .map(({ path }) => path)
      .toSorted()
      .join();
  }

  async #catalog(headers: Readonly<Record<string, string>>): Promise<string> {
    const answer = await this.#client.ask('GET', '/v2/_catalog?n=1000', headers);
    if (answer.status !== 200) return verdictOf(answer);
    const { repositories }: { repositories: string[] } = JSON.parse(answer.body);
    return repositories.join();
  }

  /** Asked for everything; what is not allowed has to be left out. */
  async #tokenFor({ name, projects }: Asker, headers: Readonly<Record<string, string>>): Promise<string> {
    const scopes = [
      ...projects.map(({ path }) => `repository:${path}:pull,push,delete`),
      ...this.#stage.registries.map((registry) => `repository:${registry.name}:pull`),
      'registry:catalog:*',
    ];
    const query = new URLSearchParams(scopes.map((scope) => ['scope', scope]));
    query.set('service', 'container_registry');
    const answer: Answer = await this.#client.ask('GET', `/jwt/auth?${query}`, headers);
    if (answer.status !== 200) throw new Error(`${name} gets no token: ${answer.status} ${answer.body}`);
    const { token }: { token: string } = JSON.parse(answer.body);
    return token;
  }

  #compare(cell: string, expected: string, actual: string): void {
    this.cells += 1;
    if (actual !== expected)
      this.wrong.push(`${cell}: ${actual || 'nothing'} instead of ${expected || 'nothing'}`);
  }
}
