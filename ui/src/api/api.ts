/** The one way to the server: calls of the API, with the session's cookie and its token, typed by the API's own description. */
import { ApiError, parseError } from './api-error.ts';
import type { Operations } from './schema.ts';

export type Operation = keyof Operations;
export type Answer<K extends Operation> = Operations[K]['response'];
export type BodyOf<K extends Operation> = Operations[K]['body'];

/** What may be left out where nothing in it is needed. */
type Needed<Name extends string, T> = [T] extends [undefined]
  ? object
  : Partial<T> extends T
    ? { readonly [N in Name]?: T }
    : { readonly [N in Name]: T };

export type Given<K extends Operation> = (keyof Operations[K]['path'] extends never
  ? object
  : { readonly path: Operations[K]['path'] }) &
  Needed<'query', Operations[K]['query']> &
  Needed<'body', BodyOf<K>>;

/** Operations that answer with a list. */
export type ListOperation = { [K in Operation]: Answer<K> extends readonly unknown[] ? K : never }[Operation];
export type ItemOf<K extends ListOperation> = Answer<K> extends readonly (infer E)[] ? E : never;

export interface PageOf<T> {
  readonly items: readonly T[];
  /** Not said where there are very many. */
  readonly total: number | undefined;
  readonly hasNext: boolean;
}

export interface ApiOptions {
  /** Where the server is: this page's own address, whatever path a proxy put it below. */
  readonly base: string;
  /** The session's, which other sites do not know. */
  readonly csrfToken: string;
  /** Told when the session has ended. */
  readonly onSignedOut: () => void;
}

export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** @throws ApiError */
  async call<K extends Operation>(operation: K, given: Given<K>, signal?: AbortSignal): Promise<Answer<K>> {
    return (await this.#send(operation, given, signal)).json();
  }

  /** A page of a list, and what its headers say of the others. @throws ApiError */
  async page<K extends ListOperation>(
    operation: K,
    given: Given<K>,
    signal?: AbortSignal,
  ): Promise<PageOf<ItemOf<K>>> {
    const answer = await this.#send(operation, given, signal);
    const total = answer.headers.get('X-Total');
    return {
      items: await answer.json(),
      total: total === null ? undefined : Number(total),
      hasNext: answer.headers.get('Link')?.includes('rel="next"') ?? false,
    };
  }

  /** All pages of a list that is short by its nature. @throws ApiError */
  async all<K extends ListOperation>(
    operation: K,
    given: Given<K>,
    signal?: AbortSignal,
    maxPages = 10,
  ): Promise<readonly ItemOf<K>[]> {
    const items: ItemOf<K>[] = [];
    for (let page = 1; page <= maxPages; page += 1) {
      const query = { per_page: 100, page, ...queryOf(given) };
      const part = await this.page(operation, { ...given, query }, signal);
      items.push(...part.items);
      if (!part.hasNext) break;
    }
    return items;
  }

  /** A text that an operation answers with. @throws ApiError */
  async text<K extends Operation>(operation: K, given: Given<K>, signal?: AbortSignal): Promise<string> {
    return (await this.#send(operation, given, signal)).text();
  }

  async #send(operation: Operation, given: object, signal: AbortSignal | undefined) {
    const { base, csrfToken, onSignedOut } = this.#options;
    const [method = 'GET', template = ''] = operation.split(' ');
    const { path = {}, body }: { path?: object; body?: unknown } = given;
    const filled = Object.entries(path).reduce(
      (text, [name, value]) => text.replace(`{${name}}`, encodeURIComponent(String(value))),
      template,
    );
    const answer = await request(new URL(`api/v4${filled}${searchOf(queryOf(given))}`, base), {
      method,
      signal: signal ?? null,
      headers: {
        ...(method !== 'GET' && { 'X-CSRF-Token': csrfToken }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (answer.ok) {
      const isEmpty = answer.status === 204;
      return {
        headers: answer.headers,
        text: () => answer.text(),
        json: () => (isEmpty ? undefined : answer.json()),
      };
    }
    if (answer.status === 401) onSignedOut();
    throw parseError(answer.status, await answer.text(), answer.headers.get('Retry-After'));
  }
}

/** @throws ApiError of status 0 where there is no answer */
export async function request(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, credentials: 'same-origin' });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'The server cannot be reached.');
  }
}

function queryOf(given: object): Readonly<Record<string, unknown>> {
  return 'query' in given && typeof given.query === 'object' ? { ...given.query } : {};
}

function searchOf(query: Readonly<Record<string, unknown>>): string {
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  // Null clears, which an address says by an empty text.
  const text = new URLSearchParams(said.map(([name, value]) => [name, String(value ?? '')])).toString();
  return text === '' ? '' : `?${text}`;
}
