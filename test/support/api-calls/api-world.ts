/** A server with a bit of everything, and one call of each operation of its API. */
import type { TestApp } from '../app.ts';
import { jsonOf } from '../bodies.ts';
import type { FakeRegistry } from '../fake-registry.ts';
import { createProject } from '../pushing.ts';

/** What an operation is called with. The values are of the types that the API document asks for. */
export interface ApiCall {
  /** In the place of the template's names. */
  readonly path?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: object;
  /** Root's where undefined. */
  readonly token?: string;
}

/** Operations, as `GET /groups/{id}`, and what to call them with so that they succeed. Each call makes what it changes. */
export type ApiCalls = Readonly<Record<string, (world: ApiWorld) => ApiCall | Promise<ApiCall>>>;

interface Made {
  readonly id: number;
  readonly token: string;
}

export class ApiWorld {
  readonly app: TestApp;
  /** Has the image `team/app:v1`. */
  readonly upstream: FakeRegistry;
  /** Has the project, too. */
  readonly external: TestApp;
  readonly groupId: number;
  readonly projectId: number;
  readonly userId: number;
  readonly groupPath = 'acme';
  readonly projectPath = 'acme/shop';
  #names = 0;

  private constructor(
    app: TestApp,
    upstream: FakeRegistry,
    external: TestApp,
    ids: Pick<ApiWorld, 'groupId' | 'projectId' | 'userId'>,
  ) {
    this.app = app;
    this.upstream = upstream;
    this.external = external;
    this.groupId = ids.groupId;
    this.projectId = ids.projectId;
    this.userId = ids.userId;
  }

  /** @param upstream of virtual registry 1. @param external that trusts its tokens */
  static async create(app: TestApp, upstream: FakeRegistry, external: TestApp): Promise<ApiWorld> {
    await createProject(external, 'acme/shop');
    upstream.repository('team/app').addImage({ tag: 'v1' });
    const { id: groupId } = await make(app, '/groups', { name: 'Acme', path: 'acme' });
    const { id: projectId } = await make(app, '/projects', { name: 'shop', namespace_id: groupId });
    const { id: userId } = await make(app, '/users', { username: 'dana', name: 'Dana' });
    return new ApiWorld(app, upstream, external, { groupId, projectId, userId });
  }

  /** One that nothing has yet. */
  name(): string {
    this.#names += 1;
    return `name-${this.#names}`;
  }

  /** What the answer to a POST that makes something says of it. */
  make(path: string, body: object): Promise<Made> {
    return make(this.app, path, body);
  }

  /** What is there. */
  async get<T>(path: string): Promise<T> {
    return jsonOf<T>(await this.app.api('GET', path));
  }

  async makeGroup(): Promise<number> {
    return (await this.make('/groups', { name: 'Other', path: this.name() })).id;
  }

  async makeProject(groupId: number = this.groupId): Promise<number> {
    return (await this.make('/projects', { path: this.name(), namespace_id: groupId })).id;
  }

  async makeUser(): Promise<number> {
    return (await this.make('/users', { username: this.name(), name: 'Another' })).id;
  }

  /** Of what was made: the id as a parameter of the path. */
  async pathTo(making: Promise<number | Pick<Made, 'id'>>): Promise<ApiCall> {
    const made = await making;
    return { path: { id: typeof made === 'number' ? made : made.id } };
  }
}

async function make(app: TestApp, path: string, body: object): Promise<Made> {
  const answer = await app.api('POST', path, body);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  return jsonOf<Made>(answer);
}
