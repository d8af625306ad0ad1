/** An {@link AccessModel} and the running server that it is true of: groups, projects and tokens of its own. */
import {
  AccessModel,
  type MemberPlace,
  projectNames,
  repositoryNames,
  type UserName,
  users,
  type Who,
  whos,
} from './access-model.ts';
import type { TestApp } from './app.ts';
import { bearerOf } from './bearer.ts';
import { basicOf, Credentials, type RoleName, roles, type TestToken } from './credentials.ts';
import { bytesBlob, type FakeManifest, fakeImage } from './fake-content.ts';
import type { FakeRegistry } from './fake-registry.ts';
import { type Answer, KeepAliveClient } from './keep-alive.ts';
import { Pusher } from './pushing.ts';

export const ways = ['Basic', 'bearer', 'old bearer'] as const;
export type Way = (typeof ways)[number];

export type Change =
  | {
      readonly kind: 'visibility';
      readonly project: string;
      readonly value: 'public' | 'internal' | 'private';
    }
  | { readonly kind: 'setting'; readonly project: string; readonly value: 'enabled' | 'private' | 'disabled' }
  | {
      readonly kind: 'level';
      readonly user: UserName;
      readonly place: MemberPlace;
      /** Undefined takes it away. */
      readonly role: RoleName | undefined;
    }
  | { readonly kind: 'block'; readonly user: UserName; readonly isBlocked: boolean }
  | { readonly kind: 'revoke'; readonly who: 'deploy' | 'job' | 'bot' }
  | { readonly kind: 'anonymous pull'; readonly value: boolean };

export interface Attempt {
  readonly who: Who;
  readonly way: Way;
  readonly repository: string;
  /** Which of the digests that there are. */
  readonly pick: number;
}

export interface Read {
  readonly attempt: Attempt;
  readonly what: string;
  /** A tag or a digest. */
  readonly target: string;
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of a new token. */
  readonly scopes?: readonly string[];
}

/** More than anything is believed for. */
const forgottenMs = 1100;

export class AccessWorld {
  readonly model = new AccessModel();
  readonly granted: Read[] = [];
  readonly app: TestApp;
  readonly #credentials: Credentials;
  readonly #suffix: string;
  readonly #client: KeepAliveClient;
  readonly #tokens = new Map<Who, TestToken>();
  readonly #userIds = new Map<UserName, number>();
  /** Made at the beginning, for everything that there was to be had. */
  readonly #old = new Map<Who, string>();
  #registryId = 0;
  #made = 0;
  /** What the upstream has of the image `x:1`, and the world has nowhere else. */
  upstreamDigest = '';

  /** @param suffix that no other world at the server has */
  constructor(app: TestApp, suffix: string) {
    this.app = app;
    this.#suffix = suffix;
    this.#credentials = new Credentials(app);
    this.#client = new KeepAliveClient(app.url);
  }

  async prepare(upstream: FakeRegistry): Promise<void> {
    await this.#createProjects();
    await this.#createRegistry(upstream);
    const credentials = this.#credentials;
    for (const name of users) {
      const id = await credentials.user(this.named(name));
      this.#userIds.set(name, id);
      this.#tokens.set(name, await credentials.personalToken(this.named(name), id, ['api']));
    }
    await this.change({ kind: 'level', user: 'ann', place: 'acme', role: 'Developer' });
    const [one, two] = [this.model.project('acme/one').id, this.model.project('acme/two').id];
    const scopes = ['read_registry', 'write_registry', 'read_virtual_registry'];
    this.#tokens.set('deploy', await credentials.deployToken('groups', this.named('acme'), scopes));
    this.#tokens.set('bot', await credentials.accessToken('projects', two, 'Developer', ['api']));
    this.#tokens.set('job', await credentials.jobToken(one, { user_id: this.#userIds.get('ann') }));
    for (const name of repositoryNames) {
      const image = this.newImage();
      await new Pusher(this.app, this.named(name)).image(image, '1');
      this.model.keep(name, image, '1');
    }
    const all = repositoryNames.map((name) => this.scope(name));
    for (const who of whos) {
      const token = this.#tokens.get(who);
      this.#old.set(who, await bearerOf(this.app.url, token, ...all, this.virtualScope).catch(() => ''));
    }
  }

  close(): void {
    this.#client.close();
  }

  /** This world's own name of a group, user or repository. */
  named(name: string): string {
    const [first, ...rest] = name.split('/');
    return [`${first}-${this.#suffix}`, ...rest].join('/');
  }

  scope(repository: string): string {
    return `repository:${this.named(repository)}:pull,push,delete`;
  }

  get virtualName(): string {
    return `virtual_registries/container/${this.#registryId}/x`;
  }

  get virtualScope(): string {
    return `repository:${this.virtualName}:pull`;
  }

  newSecret(): string {
    this.#made += 1;
    return `the secret ${this.#made} of ${this.#suffix}`;
  }

  newImage(): FakeManifest {
    const config = bytesBlob(JSON.stringify({ made: this.newSecret() }));
    return fakeImage({ config, layers: [bytesBlob(this.newSecret())] });
  }

  /** At the server and in the model; what the server believed of before is forgotten. */
  async change(change: Change): Promise<void> {
    const { model } = this;
    switch (change.kind) {
      case 'visibility':
        model.project(change.project).visibility = change.value;
        await this.#putProject(change.project, { visibility: change.value });
        break;
      case 'setting':
        model.project(change.project).setting = change.value;
        await this.#putProject(change.project, { container_registry_access_level: change.value });
        break;
      case 'level':
        await this.#setLevel(change.user, change.place, change.role);
        break;
      case 'block':
        if (change.isBlocked === model.blocked.has(change.user)) return;
        model.blocked[change.isBlocked ? 'add' : 'delete'](change.user);
        await this.#call(
          'POST',
          `/users/${this.#userIds.get(change.user)}/${change.isBlocked ? '' : 'un'}block`,
        );
        break;
      case 'revoke':
        if (model.revoked.has(change.who)) return;
        model.revoked.add(change.who);
        await this.#call('DELETE', this.#tokens.get(change.who)?.path ?? '');
        break;
      case 'anonymous pull': {
        model.anonymousPull = change.value;
        const path = `/virtual_registries/container/registries/${this.#registryId}`;
        await this.#call('PATCH', path, { anonymous_pull: change.value });
      }
    }
    this.app.advance(forgottenMs);
  }

  /** Undefined where there is no token to ask with. */
  async ask(
    who: Who,
    way: Way,
    method: string,
    path: string,
    asked: Asked = {},
  ): Promise<Answer | undefined> {
    const authorization = await this.#authorization(who, way, asked.scopes ?? []);
    if (authorization === undefined) return undefined;
    const headers = { ...asked.headers, ...(authorization !== '' && { authorization }) };
    return this.#client.ask(method, path, headers, asked.body);
  }

  async #authorization(who: Who, way: Way, scopes: readonly string[]): Promise<string | undefined> {
    const token = this.#tokens.get(who);
    if (way === 'old bearer') return this.#old.get(who);
    if (way === 'Basic') return token ? basicOf(token) : '';
    return bearerOf(this.app.url, token, ...scopes).catch(() => undefined);
  }

  async #setLevel(user: UserName, place: MemberPlace, role: RoleName | undefined): Promise<void> {
    const [id, key] = [this.#userIds.get(user), `${user} ${place}`];
    const kind = place.includes('/') ? 'projects' : 'groups';
    const members = `/${kind}/${encodeURIComponent(this.named(place))}/members`;
    if (this.model.levels.delete(key)) await this.#call('DELETE', `${members}/${id}`);
    if (role === undefined) return;
    await this.#call('POST', members, { user_id: id, access_level: roles[role] });
    this.model.levels.set(key, roles[role]);
  }

  async #createProjects(): Promise<void> {
    for (const group of ['acme', 'other']) {
      const path = this.named(group);
      const { id: namespace_id } = await this.#call<{ id: number }>('POST', '/groups', { name: path, path });
      for (const name of projectNames.filter((project) => project.startsWith(`${group}/`))) {
        const fields = { path: name.slice(group.length + 1), namespace_id };
        const { id } = await this.#call<{ id: number }>('POST', '/projects', fields);
        this.model.projects.push({ id, path: name, visibility: 'private', setting: 'enabled' });
      }
    }
  }

  async #createRegistry(upstream: FakeRegistry): Promise<void> {
    const path = `/groups/${this.named('acme')}/-/virtual_registries/container/registries`;
    this.#registryId = (await this.#call<{ id: number }>('POST', path, { name: 'virtual' })).id;
    const upstreams = `/virtual_registries/container/registries/${this.#registryId}/upstreams`;
    await this.#call('POST', upstreams, { name: 'fake', url: upstream.url });
    const image = upstream.repository('x').push(this.newImage(), '1');
    this.upstreamDigest = image.layers[0]?.digest ?? '';
  }

  async #putProject(name: string, fields: object): Promise<void> {
    await this.#call('PUT', `/projects/${this.model.project(name).id}`, fields);
  }

  #call<T>(method: string, path: string, body?: object): Promise<T> {
    return this.#credentials.call<T>(method, path, body);
  }
}
