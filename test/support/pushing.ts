/** Pushes to the whole server over HTTP, as clients do. */
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import type { TestApp } from './app.ts';
import { jsonOf } from './bodies.ts';
import type { FakeBlob, FakeManifest } from './fake-content.ts';

export interface TestUser {
  readonly username: string;
  readonly token: string;
}

interface WithId {
  readonly id: number;
}

/** A project with the groups that it is in. */
export async function createProject(app: TestApp, fullPath: string, fields: object = {}): Promise<number> {
  const segments = fullPath.split('/');
  const path = segments.pop();
  let parent: WithId | undefined;
  for (const [index, segment] of segments.entries()) {
    const known = await app.api(
      'GET',
      `/groups/${encodeURIComponent(segments.slice(0, index + 1).join('/'))}`,
    );
    const group = { name: segment, path: segment, ...(parent && { parent_id: parent.id }) };
    parent = known.ok ? await jsonOf<WithId>(known) : await created(await app.api('POST', '/groups', group));
  }
  const project = { path, namespace_id: parent?.id, ...fields };
  return (await created(await app.api('POST', '/projects', project))).id;
}

/** @param groups paths of those they get the role Developer in */
export async function createUser(
  app: TestApp,
  username: string,
  groups: readonly string[] = [],
): Promise<TestUser> {
  const { id } = await created(await app.api('POST', '/users', { username, name: username }));
  const scopes = ['read_registry', 'write_registry'];
  const answer = await app.api('POST', `/users/${id}/personal_access_tokens`, { name: 'test', scopes });
  for (const group of groups)
    await created(await app.api('POST', `/groups/${group}/members`, { user_id: id, access_level: 30 }));
  return { username, ...(await jsonOf<{ token: string }>(answer)) };
}

/** Someone who asks the API. @param roles by the paths of projects */
export async function createUserWithRoles(
  app: TestApp,
  username: string,
  roles: Readonly<Record<string, number>>,
): Promise<TestUser> {
  const { id } = await created(await app.api('POST', '/users', { username, name: username }));
  const made = await app.api('POST', `/users/${id}/personal_access_tokens`, {
    name: 'test',
    scopes: ['api'],
  });
  for (const [project, access_level] of Object.entries(roles))
    await created(
      await app.api('POST', `/projects/${encodeURIComponent(project)}/members`, {
        user_id: id,
        access_level,
      }),
    );
  return { username, ...(await jsonOf<{ token: string }>(made)) };
}

async function created(answer: Response): Promise<WithId> {
  if (answer.status !== 201) throw new Error(`not created: ${answer.status} ${await answer.text()}`);
  return jsonOf<WithId>(answer);
}

/** One repository, as one user pushes to it. */
export class Pusher {
  readonly #app: TestApp;
  readonly #name: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param user root where undefined */
  constructor(app: TestApp, name: string, user?: TestUser) {
    this.#app = app;
    this.#name = name;
    const basic = user && Buffer.from(`${user.username}:${user.token}`).toString('base64');
    this.#headers = basic === undefined ? {} : { authorization: `Basic ${basic}` };
  }

  /** @param path below the repository's name */
  ask(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return this.at(`/v2/${this.#name}/${path}`, method, init);
  }

  /** @param location path and query of this server, whatever port it has now */
  at(location: string, method: string, init: RequestInit = {}): Promise<Response> {
    const { pathname, search } = new URL(location, this.#app.url);
    const headers = { ...this.#headers, ...init.headers };
    return this.#app.v2(`${pathname}${search}`.slice('/v2/'.length), { ...init, method, headers });
  }

  /** Where the new upload is. */
  async start(): Promise<string> {
    return locationOf(await this.ask('POST', 'blobs/uploads/'));
  }

  /** Brings bytes to an upload. @param start said in Content-Range */
  patch(location: string, bytes: Buffer, start?: number): Promise<Response> {
    const range = start !== undefined && { 'content-range': `${start}-${start + bytes.length - 1}` };
    return this.at(location, 'PATCH', { body: new Uint8Array(bytes), headers: { ...range } });
  }

  /** Ends an upload. */
  put(location: string, digest: string, bytes: Buffer = Buffer.alloc(0), start?: number): Promise<Response> {
    const range = start !== undefined && { 'content-range': `${start}-${start + bytes.length - 1}` };
    const url = `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
    return this.at(url, 'PUT', { body: new Uint8Array(bytes), headers: { ...range } });
  }

  /** @throws Error where it is not acknowledged */
  async blob(blob: FakeBlob | Buffer | string): Promise<Digest> {
    const bytes = Buffer.isBuffer(blob) || typeof blob === 'string' ? Buffer.from(blob) : wholeOf(blob);
    const digest = digestOf(bytes);
    await demand(201, await this.put(await this.start(), digest, bytes));
    return digest;
  }

  manifest(
    { mediaType, payload }: Pick<FakeManifest, 'mediaType' | 'payload'>,
    reference: string,
  ): Promise<Response> {
    const headers = { 'content-type': mediaType };
    return this.ask('PUT', `manifests/${reference}`, { body: new Uint8Array(payload), headers });
  }

  /** With its blobs. @throws Error where something is not acknowledged */
  async image(image: FakeManifest, reference: string = image.digest): Promise<void> {
    for (const blob of [...(image.config ? [image.config] : []), ...image.layers]) await this.blob(blob);
    await demand(201, await this.manifest(image, reference));
  }
}

export function locationOf(answer: Response): string {
  const location = answer.headers.get('location');
  if (location === null) throw new Error(`${answer.status} without a Location`);
  return location;
}

export function wholeOf(blob: FakeBlob): Buffer {
  return Buffer.concat([...blob.read(0, blob.size)]);
}

async function demand(status: number, answer: Response): Promise<void> {
  if (answer.status !== status)
    throw new Error(`${answer.status} instead of ${status}: ${await answer.text()}`);
}
