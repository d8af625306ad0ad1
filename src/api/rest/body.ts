/** Query and body as one set of parameters, the body's winning. Bounded, and nothing is ever written to disk. */
import type { Context, Middleware } from 'koa';
import { RefusedError } from '../../management/acting/refused-error.ts';
import { JsonLimitError } from '../../oci/json-scan.ts';
import { bodyParser } from '../body-parser.ts';

const maxBodyBytes = 1024 * 1024;
/** The size of a form, which takes more time for its bytes than JSON. */
const maxFormBytes = 256 * 1024;
const maxFields = 1000;
const bodyTypes = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'];

/** A body that was not read. */
export class UnreadableBody extends Error {
  override readonly name = 'UnreadableBody';
  /** 400 malformed, 408 not in time, 411 of unknown length, 413 too large, 415 of a type nobody reads here. */
  readonly status: number;

  constructor(status: number, cause?: unknown) {
    super(`a request's body was not read: ${status}`, { cause });
    this.status = status;
  }
}

/** Reads JSON and forms into `ctx.request.body`. It throws {@link UnreadableBody}. */
export function readBody(): Middleware {
  const json = bodyParser({
    maxJsonBytes: maxBodyBytes,
    formLimit: maxFormBytes,
    onError: refuse,
  });
  return async (ctx, next) => {
    if (ctx.is('multipart/form-data')) return readMultipart(ctx, next);
    if (ctx.request.length !== 0 && ctx.is(bodyTypes) === false) throw new UnreadableBody(415);
    return json(ctx, () => {
      demandParameters(ctx, ctx.request.body);
      return next();
    });
  };
}

/** A body of `null` has no parameters: clients send it that were given none. */
function demandParameters(ctx: Context, body: unknown): void {
  if (body === undefined || body === null || body === '') return;
  if (typeof body !== 'object' || Array.isArray(body)) throw new UnreadableBody(400);
  const [first = ''] = Object.keys(body);
  const isJson = ctx.is('application/x-www-form-urlencoded') && /^\s*[{[]/.test(first);
  if (isJson) throw new RefusedError('parameters', jsonAsForm);
}

const jsonAsForm =
  'the body looks like JSON, but its Content-Type says that it is a form: send it with Content-Type: application/json (curl: --json in place of --data)';

/** The parser drops a file without reading it; what it cannot do is refuse one. */
async function readMultipart(ctx: Context, next: () => Promise<unknown>): Promise<void> {
  const { length } = ctx.request;
  if (length === undefined) throw new UnreadableBody(411);
  if (length > maxBodyBytes) throw new UnreadableBody(413);
  const files: (string | null)[] = [];
  const filter = (part: { name: string | null }) => {
    files.push(part.name);
    return false;
  };
  const form = bodyParser({
    multipart: true,
    formidable: { maxFieldsSize: maxBodyBytes, maxFields, filter },
    onError: refuse,
  });
  await form(ctx, async () => {
    if (files.length > 0) throw new RefusedError('parameters', `${files.join(', ')} is invalid`);
    await next();
  });
}

/** Formidable calls its status httpCode; a client that left has none. */
function refuse(error: Error): never {
  if (error instanceof JsonLimitError) throw new RefusedError('parameters', `the body ${error.message}`);
  const status = 'httpCode' in error ? error.httpCode : 'status' in error && error.status;
  throw new UnreadableBody(typeof status === 'number' ? status : 400, error);
}

/** The parameters of query, body and path; each wins over those before it. */
export function givenOf(
  body: unknown,
  query: URLSearchParams,
  pathParams: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  return { ...queryOf(query), ...withLists(isObject ? Object.entries(body) : []), ...pathParams };
}

/** The parameters of the query; where a name is given twice the last one counts. */
function queryOf(query: URLSearchParams): Record<string, unknown> {
  const values = new Map<string, string[]>();
  for (const [name, value] of query) {
    const known = values.get(name);
    if (known && name.endsWith('[]')) known.push(value);
    else values.set(name, [value]);
  }
  return withLists(Array.from(values, ([name, all]) => [name, name.endsWith('[]') ? all : all[0]] as const));
}

/** `name[]` is a list called `name`, even of one; `name[field]` is a field of an object called `name`. */
function withLists(fields: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const named = new Map<string, unknown>();
  const objects = new Map<string, [string, unknown][]>();
  for (const [name, value] of fields) {
    const [, object, field] = /^([^[\]]+)\[([^[\]]+)\]$/.exec(name) ?? [];
    if (object === undefined || field === undefined) {
      if (name.endsWith('[]')) named.set(name.slice(0, -2), [value].flat());
      else named.set(name, value);
    } else if (!objects.get(object)?.push([field, value])) objects.set(object, [[field, value]]);
  }
  for (const [name, of] of objects) if (!named.has(name)) named.set(name, Object.fromEntries(of));
  return Object.fromEntries(named);
}
