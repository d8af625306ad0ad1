/** People, bots and tokens of every kind, made over the REST API as their owners make them. */
import { jsonOf } from './bodies.ts';

/** What clients send as username and password. */
export interface Secret {
  readonly username: string;
  readonly secret: string;
}

export interface TestToken extends Secret {
  readonly id: number;
  /** Of the REST API, to revoke it with DELETE. */
  readonly path: string;
}

export type PlaceKind = 'groups' | 'projects';

export const roles = {
  Guest: 10,
  Planner: 15,
  Reporter: 20,
  Developer: 30,
  Maintainer: 40,
  Owner: 50,
} as const;

export type RoleName = keyof typeof roles;

export const testPassword = 'a long enough password, 1';

/** As its root. */
export interface RestApi {
  api(method: string, path: string, body?: object): Promise<Response>;
}

interface Made {
  readonly id: number;
  readonly token?: string;
  readonly username?: string;
}

export class Credentials {
  readonly #app: RestApi;

  constructor(app: RestApi) {
    this.#app = app;
  }

  /** @throws Error where the answer is not 2xx */
  async call<T = unknown>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.#app.api(method, path, body);
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? (undefined as T) : jsonOf<T>(answer);
  }

  async user(username: string, fields: object = {}): Promise<number> {
    const body = { username, name: username, password: testPassword, ...fields };
    return (await this.call<Made>('POST', '/users', body)).id;
  }

  async member(kind: PlaceKind, id: number | string, userId: number, role: RoleName): Promise<void> {
    const body = { user_id: userId, access_level: roles[role] };
    await this.call('POST', `/${kind}/${encodeURIComponent(id)}/members`, body);
  }

  async personalToken(username: string, userId: number, scopes: readonly string[]): Promise<TestToken> {
    const made = await this.call<Made>('POST', `/users/${userId}/personal_access_tokens`, {
      name: 'test',
      scopes,
    });
    return { ...tokenOf(made), username, path: `/personal_access_tokens/${made.id}` };
  }

  /** A group or project access token, which is one of a bot that has the role there. */
  async accessToken(
    kind: PlaceKind,
    id: number | string,
    role: RoleName,
    scopes: readonly string[],
  ): Promise<TestToken> {
    const path = `/${kind}/${encodeURIComponent(id)}/access_tokens`;
    const made = await this.call<Made>('POST', path, { name: 'test', scopes, access_level: roles[role] });
    // Any username goes with it.
    return { ...tokenOf(made), username: 'any-name', path: `${path}/${made.id}` };
  }

  async deployToken(
    kind: PlaceKind,
    id: number | string,
    scopes: readonly string[],
    username?: string,
  ): Promise<TestToken> {
    const path = `/${kind}/${encodeURIComponent(id)}/deploy_tokens`;
    const made = await this.call<Made>('POST', path, { name: 'test', scopes, ...(username && { username }) });
    return { ...tokenOf(made), username: made.username ?? '', path: `${path}/${made.id}` };
  }

  /** @param fields user_id or access_level, and a lifetime */
  async jobToken(projectId: number, fields: object): Promise<TestToken> {
    const path = `/projects/${projectId}/job_tokens`;
    const made = await this.call<Made>('POST', path, { name: 'test', ...fields });
    return { ...tokenOf(made), username: 'gitlab-ci-token', path: `${path}/${made.id}` };
  }
}

function tokenOf({ id, token = '' }: Made): { readonly id: number; readonly secret: string } {
  if (token === '') throw new Error(`token ${id} was not shown`);
  return { id, secret: token };
}

export function basicOf({ username, secret }: Secret): string {
  return `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}`;
}
