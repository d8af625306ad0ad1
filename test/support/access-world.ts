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
  | { readonly kind: 'revoke'; readonly who: 'deploy' | 'job' | 'bot' | 'bob' }
  | { readonly kind: 'recreate'; readonly project: (typeof projectNames)[number] }
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
  /** Through the virtual registry of hosted groups. */
  readonly isLocal: boolean;
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of a new token. */
  readonly scopes?: readonly string[];
}

/** To pull from a name of any kind. */
export function pullScope(name: string): string {
  return `repository:${name}:pull`;
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
  #localRegistryId = 0;
  #made = 0;
  /** What the upstream has of the image `x:1`, and the world has nowhere else. */
  upstreamDigest = '';
  upstreamSecret = '';

  /** @param suffix that no other world at the server has */
  constructor(app: TestApp, suffix: string) {
    this.app = app;
    this.#suffix = suffix;
    this.#credentials = new Credentials(app);
    this.#client = new KeepAliveClient(app.url);
  }

  async prepare(upstream: FakeRegistry): Promise<void> {
    await this.#createProjects();
    await this.#createRegistries(upstream);
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
    const local = repositoryNames.map((name) => pullScope(this.localName(name)));
    for (const who of whos) {
      const token = this.#tokens.get(who);
      this.#old.set(
        who,
        await bearerOf(this.app.url, token, ...all, ...local, this.virtualScope).catch(() => ''),
      );
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
    return pullScope(this.virtualName);
  }

  /** Of a hosted repository, in the virtual registry of hosted groups. */
  localName(repository: string): string {
    return `virtual_registries/container/${this.#localRegistryId}/${repository.slice(repository.indexOf('/') + 1)}`;
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
        for (const id of [this.#registryId, this.#localRegistryId]) {
          const path = `/virtual_registries/container/registries/${id}`;
          await this.#call('PATCH', path, { anonymous_pull: change.value });
        }
        break;
      }
      case 'recreate':
        model.recreate(change.project, await this.#recreate(change.project));
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

  async #createRegistries(upstream: FakeRegistry): Promise<void> {
    this.#registryId = await this.#createRegistry('virtual', [upstream.url]);
    const [layer] = upstream.repository('x').push(this.newImage(), '1').layers;
    if (!layer) throw new Error('the upstream has no layer');
    this.upstreamDigest = layer.digest;
    this.upstreamSecret = Buffer.concat([...layer.read(0, layer.size)]).toString();
    // A group of others can only be chosen while it is public, and goes on being an upstream after that.
    const other = `/groups/${this.named('other')}`;
    await this.#call('PUT', other, { visibility: 'public' });
    const hosted = ['acme', 'other'].map((group) => `entrepot:${this.named(group)}`);
    this.#localRegistryId = await this.#createRegistry('local', hosted);
    await this.#call('PUT', other, { visibility: 'private' });
  }

  async #createRegistry(name: string, urls: readonly string[]): Promise<number> {
    const path = `/groups/${this.named('acme')}/-/virtual_registries/container/registries`;
    const { id } = await this.#call<{ id: number }>('POST', path, { name });
    for (const url of urls)
      await this.#call('POST', `/virtual_registries/container/registries/${id}/upstreams`, {
        name: url,
        url,
      });
    return id;
  }

  /** @returns the new project's number */
  async #recreate(name: string): Promise<number> {
    const path = encodeURIComponent(this.named(name));
    const { namespace } = await this.#call<{ namespace: { id: number } }>('GET', `/projects/${path}`);
    await this.#call('DELETE', `/projects/${path}`);
    const fields = { path: name.slice(name.indexOf('/') + 1), namespace_id: namespace.id };
    return (await this.#call<{ id: number }>('POST', '/projects', fields)).id;
  }

  async #putProject(name: string, fields: object): Promise<void> {
    await this.#call('PUT', `/projects/${this.model.project(name).id}`, fields);
  }

  #call<T>(method: string, path: string, body?: object): Promise<T> {
    return this.#credentials.call<T>(method, path, body);
  }
}
