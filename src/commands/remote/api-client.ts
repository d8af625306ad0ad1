/** The REST API of a server, asked as its user: what it refuses is told in its own words, with what to do about it. */
import { CommandRefused, exitCodes } from '../command.ts';

export interface Login {
  /** Of the server, without a path of the API. */
  readonly url: string;
  readonly token: string;
}

/** What an answer is made of; what stands where is the API's to know. */
export type Row = Readonly<Record<string, unknown>>;

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

const answerMs = 60_000;
const maxShownBytes = 1000;
const registryPath = /^\/(?:v2|gitlab\/v1)\//;

export class ApiClient {
  readonly #login: Login;
  readonly #userAgent: string;

  constructor(login: Login, userAgent: string) {
    this.#login = login;
    this.#userAgent = userAgent;
  }

  get url(): string {
    return this.#login.url;
  }

  /** @throws CommandRefused */
  async get(path: string, query: Query = {}): Promise<Row> {
    return rowOf(await (await this.request('GET', `${path}${textOf(query)}`)).json());
  }

  /** All pages of a list. @param rowsIn finds its rows in an answer. @throws CommandRefused */
  async list(path: string, query: Query = {}, rowsIn = rowsOf): Promise<Row[]> {
    const rows: Row[] = [];
    for (let next: string | undefined = `${path}${textOf({ ...pagesOf(path), ...query })}`; next; ) {
      const response = await this.request('GET', next);
      rows.push(...rowsIn(await response.json()));
      next = nextPageOf(response.headers, this.url);
    }
    return rows;
  }

  /** @returns what is answered, if anything. @throws CommandRefused */
  async send(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Row> {
    const text = await (await this.request(method, path, body)).text();
    return text === '' ? {} : rowOf(JSON.parse(text));
  }

  /**
   * @param path below `/api/v4`, or the registry's own below `/v2` and `/gitlab/v1`; with its query
   * @returns an answer that is no error
   * @throws CommandRefused
   */
  async request(method: string, path: string, body?: object): Promise<Response> {
    const { url, token } = this.#login;
    const headers = {
      authorization: `Bearer ${token}`,
      'user-agent': this.#userAgent,
      ...(body && { 'content-type': 'application/json' }),
    };
    const response = await fetch(`${url}${registryPath.test(path) ? '' : '/api/v4'}${path}`, {
      method,
      headers,
      // The token is for this server alone.
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
      ...(body && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw unreachable(url, error);
    });
    if (response.ok) return response;
    throw await refusalOf(response, url);
  }
}

/** Of a name in a path: `/` and all else that a path would take for its own. */
export function segment(name: string): string {
  return encodeURIComponent(name);
}

function textOf(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

export function rowOf(value: unknown): Row {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

export function rowsOf(value: unknown): Row[] {
  return Array.isArray(value) ? value.map(rowOf) : [];
}

/** As the path and query of this server, wherever it believes to be. */
function nextPageOf(headers: Headers, base: string): string | undefined {
  const next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
  if (next === undefined) return undefined;
  const { pathname, search } = new URL(next, base);
  return `${pathname.replace(/^\/api\/v4/, '')}${search}`;
}

async function refusalOf(response: Response, url: string): Promise<CommandRefused> {
  const { status, headers } = response;
  if (status >= 300 && status < 400)
    return new CommandRefused(
      `${url} redirects to ${headers.get('location')}: log in there (entrepot login URL)`,
    );
  const words = wordsOf(await response.text()) || `it answered ${status} ${response.statusText}`;
  const exitCode =
    status === 401 || status === 403
      ? exitCodes.noPermission
      : status === 429 || status >= 500
        ? exitCodes.unavailable
        : exitCodes.failed;
  return new CommandRefused([words, ...adviceOn(status, headers)].join('\n'), { exitCode });
}

function adviceOn(status: number, headers: Headers): string[] {
  if (status === 401) return ['The token is wrong, expired or revoked: entrepot login takes another.'];
  if (status === 403)
    return ['The user or the scopes of the token do not allow it: see entrepot token list.'];
  if (status === 404) return ['It is not there, or not to be seen with this token; list shows what is.'];
  if (status === 429) return [`Try again in ${headers.get('retry-after') ?? 'a few'} seconds.`];
  return status >= 500 ? ['On its machine, entrepot doctor and the log say more.'] : [];
}

/** What the API, the registry or the token service says of an error. */
function wordsOf(text: string): string {
  try {
    return saidIn(rowOf(JSON.parse(text)));
  } catch {
    return text.slice(0, maxShownBytes).trim();
  }
}

function saidIn({ error_description: description, error, message, errors }: Row): string {
  if (typeof description === 'string') return description;
  if (typeof error === 'string') return error;
  if (Array.isArray(errors)) return errors.map((each) => saidIn(rowOf(each))).join('\n');
  if (typeof message === 'string') return message;
  return Object.entries(rowOf(message))
    .map(([name, faults]) => `${name} ${[faults].flat().join(', ')}`)
    .join('\n');
}

function unreachable(url: string, error: unknown): CommandRefused {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message || ('code' in cause ? String(cause.code) : '') : '';
  return new CommandRefused(
    `${url} cannot be reached: ${reason}\nIs it running, and its certificate one that this machine trusts (NODE_EXTRA_CA_CERTS)? On its own machine, entrepot doctor says more.`,
    { cause: error, exitCode: exitCodes.unavailable },
  );
}

/** As many at once as there may be. */
function pagesOf(path: string): Query {
  return registryPath.test(path) ? { n: 1000 } : { per_page: 100 };
}
