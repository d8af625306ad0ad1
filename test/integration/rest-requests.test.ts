import { once } from 'node:events';
import { createServer } from 'node:http';
import Koa from 'koa';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { mountEndpoints } from '../../src/api/rest/router.ts';
import type { RequestState } from '../../src/api/state.ts';
import type { Authentication } from '../../src/auth/credentials/authenticate.ts';
import { RefusedError } from '../../src/management/acting/refused-error.ts';
import { type Endpoint, endpoint } from '../../src/management/endpoint/endpoint.ts';
import { pageBody, pageParams } from '../../src/management/endpoint/pagination.ts';
import {
  filled,
  integer,
  list,
  outdated,
  recordId,
  text,
  truth,
} from '../../src/management/endpoint/parameters.ts';
import { OutboundError } from '../../src/outbound/outbound-error.ts';
import { silentLog } from '../support/silent-log.ts';

const user = { kind: 'user', userId: 1, username: 'ada', isAdmin: false } as const;
const authentications: Record<string, Authentication> = {
  good: { ...user, scopes: ['api'] },
  reader: { ...user, scopes: ['read_api'] },
  puller: { ...user, scopes: ['read_virtual_registry'] },
  old: { kind: 'refused', reason: 'expired' },
  revoked: { kind: 'refused', reason: 'revoked' },
  blocked: { kind: 'refused', reason: 'blocked' },
};

const echo = endpoint({
  method: 'POST',
  path: '/things/:id',
  summary: 'Give back what was given',
  pathParams: recordId,
  params: z.object({
    name: filled(10),
    count: integer.optional(),
    isDone: truth.optional(),
    tags: list(text(5), 3).optional(),
  }),
  status: 201,
  response: z.unknown(),
  handle: async (_actor, input) => input,
});
const paged = endpoint({
  method: 'GET',
  path: '/things',
  summary: 'Many things',
  params: pageParams,
  status: 200,
  response: z.array(z.int()),
  handle: async (_actor, input) => pageBody({ records: [1, 2], total: 45, hasMore: true }, input),
});

function failing(error: unknown): Endpoint {
  return endpoint({
    method: 'DELETE',
    path: '/things/:id',
    summary: 'Fail',
    pathParams: recordId,
    status: 204,
    handle: async () => {
      throw error;
    },
  });
}

async function serve(endpoints: readonly Endpoint[], log = silentLog): Promise<string> {
  const app = new Koa<RequestState>();
  app.use(async (ctx, next) => {
    ctx.state.log = log;
    ctx.state.address = undefined;
    ctx.state.externalUrl = 'https://registry.example';
    await next();
  });
  const authenticator = {
    authenticate: async (credentials: { kind: string; token?: string }): Promise<Authentication> =>
      authentications[credentials.token ?? ''] ?? { kind: 'refused', reason: 'unknown' },
  };
  const applicationSettings = { readOnlyReason: async () => undefined, offReason: async () => undefined };
  const names = { numbered: async (_kinds: object, given: Readonly<Record<string, unknown>>) => given };
  app.use(mountEndpoints(endpoints, { authenticator, applicationSettings, names }));
  app.use((ctx) => {
    ctx.body = 'beyond';
  });
  const server = createServer(app.callback());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

async function ask(url: string, init: RequestInit = {}, token = 'good') {
  const headers = new Headers(init.headers);
  if (token !== '') headers.set('private-token', token);
  const response = await fetch(url, { ...init, headers });
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse((await response.text()) || 'null'),
  };
}

const asJson = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

test('JSON, form, multipart and query parameters mean the same', async () => {
  const url = `${await serve([echo])}/api/v4/things/7`;
  const expected = { id: 7, name: 'a', count: 5, isDone: true, tags: ['x', 'y'] };
  const form = new FormData();
  for (const [name, value] of Object.entries({ name: 'a', count: '5', isDone: 'true' }))
    form.set(name, value);
  form.append('tags[]', 'x');
  form.append('tags[]', 'y');

  const answers = await Promise.all([
    ask(url, asJson({ name: 'a', count: 5, isDone: true, tags: ['x', 'y'] })),
    ask(url, asJson({ name: 'a', count: '5', isDone: '1', tags: 'x,y' })),
    ask(url, { method: 'POST', body: new URLSearchParams('name=a&count=5&isDone=t&tags[]=x&tags[]=y') }),
    ask(url, { method: 'POST', body: form }),
    ask(`${url}?name=a&count=5&isDone=yes&tags[]=x&tags[]=y`, { method: 'POST' }),
    ask(`${url}?name=query&count=5&tags=x,y`, asJson({ name: 'a', isDone: true })),
  ]);

  for (const { status, body } of answers) expect({ status, body }).toEqual({ status: 201, body: expected });
});

test.each([
  ['name is missing', {}],
  ['name is empty', { name: ' ' }],
  ['name is empty', { name: null }],
  ['name is invalid', { name: ['a'] }],
  ['count is invalid', { name: 'a', count: 'five' }],
  ['count is invalid', { name: 'a', count: 1.5 }],
  ['count is invalid', { name: 'a', count: 1e300 }],
  ['isDone is invalid', { name: 'a', isDone: 'maybe' }],
  ['name is missing, count is invalid', { count: 'x' }],
])('400 %s', async (error, given) => {
  const { status, body } = await ask(`${await serve([echo])}/api/v4/things/7`, asJson(given));
  expect({ status, body }).toEqual({ status: 400, body: { error } });
});

test.each([
  { count: null, isDone: null, tags: null },
  { count: '', isDone: ' ', tags: '' },
  { tags: [''] },
  { tags: [null, ''] },
])('what may be left out and is blank is not given: %j', async (blanks) => {
  const { status, body } = await ask(
    `${await serve([echo])}/api/v4/things/7`,
    asJson({ name: 'a', ...blanks }),
  );
  expect({ status, name: body.name, rest: [body.count, body.isDone, body.tags ?? []] }).toEqual({
    status: 201,
    name: 'a',
    rest: [undefined, undefined, []],
  });
});

test('blanks mean the same in forms and queries, and empty elements of a list are none', async () => {
  const url = `${await serve([echo])}/api/v4/things/7`;
  const answers = await Promise.all([
    ask(url, { method: 'POST', body: new URLSearchParams('name=a&count=&isDone=&tags[]=&tags[]=x') }),
    ask(`${url}?name=a&count=&isDone=&tags[]=x&tags[]=`, { method: 'POST' }),
    ask(url, asJson({ name: 'a', count: '', tags: ['', 'x', null] })),
  ]);
  for (const { status, body } of answers)
    expect({ status, body }).toEqual({ status: 201, body: { id: 7, name: 'a', tags: ['x'] } });
});

test('what is not a number in the path is said with the rest', async () => {
  const { status, body } = await ask(`${await serve([echo])}/api/v4/things/seven`, asJson({}));
  expect({ status, body }).toEqual({ status: 400, body: { error: 'id is invalid, name is missing' } });
});

test('what is too long is a fault of the record, said for each attribute', async () => {
  const given = { name: '12345678901', tags: ['123456'] };
  const { status, body } = await ask(`${await serve([echo])}/api/v4/things/7`, asJson(given));
  expect(status).toBe(400);
  expect(body).toEqual({
    message: {
      name: ['is too long (maximum is 10 characters)'],
      tags: ['is too long (maximum is 5 characters)'],
    },
  });
});

test('a body that cannot be read is refused with the reason', async () => {
  const url = `${await serve([echo])}/api/v4/things/7`;
  const file = new FormData();
  file.set('name', 'a');
  file.set('picture', new Blob(['x']), 'picture.png');
  const chunks = new ReadableStream({
    start: (stream) => {
      stream.enqueue(new TextEncoder().encode('--x'));
      stream.close();
    },
  });

  const broken = await ask(url, asJson('{"name":'));
  const large = await ask(url, asJson({ name: 'x'.repeat(2 ** 21) }));
  const text = await ask(url, { method: 'POST', body: 'name=a', headers: { 'content-type': 'text/plain' } });
  const withFile = await ask(url, { method: 'POST', body: file });
  const endless = await ask(url, {
    method: 'POST',
    body: chunks,
    duplex: 'half',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
  } as RequestInit);

  expect([broken.status, broken.body]).toEqual([
    400,
    { error: 'message body does not match declared format' },
  ]);
  expect([large.status, large.body]).toEqual([413, { message: '413 Request Entity Too Large' }]);
  expect([text.status, text.body]).toEqual([415, { error: 'The provided content-type is not supported.' }]);
  expect([withFile.status, withFile.body]).toEqual([400, { error: 'picture is invalid' }]);
  expect([endless.status, endless.body]).toEqual([411, { message: '411 Length Required' }]);
});

test('JSON that is sent as a form is told so', async () => {
  const url = `${await serve([echo])}/api/v4/things/7`;
  const asForm = (body: string) =>
    ask(url, { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
  for (const body of ['{"name": "a"}', ' {"name": "a=b", "tags": ["x&y"]}', '[{"name": "a"}]', '{}']) {
    const { status, body: answer } = await asForm(body);
    expect({ status, answer }).toEqual({
      status: 400,
      answer: { error: expect.stringContaining('Content-Type: application/json') },
    });
  }
  expect(await asForm('name=%7B%7D')).toMatchObject({ status: 201, body: { name: '{}' } });
});

test('JSON that is no object is refused; null has no parameters', async () => {
  const url = `${await serve([echo])}/api/v4/things/7`;
  for (const body of ['[]', '"name"', '1', 'true', '[{"name":"a"}]'])
    expect(await ask(`${url}?name=a`, asJson(body))).toMatchObject({
      status: 400,
      body: { error: 'message body does not match declared format' },
    });
  for (const body of ['null', '{}', ''])
    expect(await ask(`${url}?name=a`, asJson(body))).toMatchObject({ status: 201, body: { name: 'a' } });
});

test('OPTIONS says which methods a path has', async () => {
  const url = await serve([echo, failing(new Error())]);
  const answer = await fetch(`${url}/api/v4/things/7`, { method: 'OPTIONS' });
  expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'OPTIONS, POST, DELETE']);
  expect((await fetch(`${url}/api/v4/nothing`, { method: 'OPTIONS' })).status).toBe(404);
});

test('links to other pages fit into the headers that clients read, whatever was asked for', async () => {
  const searched = endpoint({
    method: 'GET',
    path: '/found',
    summary: 'Some things',
    params: pageParams.extend({ search: text(255).optional(), name: text(255).optional() }),
    status: 200,
    response: z.array(z.int()),
    handle: async (_actor, input) => pageBody({ records: [1, 2], total: 45, hasMore: true }, input),
  });
  const url = `${await serve([searched])}/api/v4/found?page=2`;
  const unknown = await ask(`${url}&x=${'y'.repeat(7000)}&search=a`);
  expect(unknown.headers.get('link')).toContain(
    '<https://registry.example/api/v4/found?page=3&search=a&per_page=20>; rel="next"',
  );
  const long = encodeURIComponent('好'.repeat(255));
  const { headers } = await ask(`${url}&search=${long}&name=${long}`);
  expect(headers.get('link')?.length).toBeLessThan(8192);
  expect(headers.get('link')).toMatch(/page=3.*rel="next"$/);
  expect(await ask(`${url}&search=${'a'.repeat(7000)}`)).toMatchObject({
    status: 400,
    body: { message: { search: ['is too long (maximum is 255 characters)'] } },
  });
});

test('a token is taken from every place where GitLab takes it', async () => {
  const url = `${await serve([echo])}/api/v4/things/7`;
  const bearer = {
    ...asJson({ name: 'a' }),
    headers: { authorization: 'Bearer good', 'content-type': 'application/json' },
  };
  const answers = [
    await ask(url, asJson({ name: 'a' })),
    await ask(url, bearer, ''),
    await ask(`${url}?private_token=good`, asJson({ name: 'a' }), ''),
    await ask(`${url}?access_token=good`, asJson({ name: 'a' }), ''),
    await ask(url, asJson({ name: 'a', private_token: 'good' }), ''),
  ];
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
});

test('without a token that is good, nothing is looked at', async () => {
  const url = `${await serve([echo])}/api/v4/things/seven`;
  const unauthorized = { status: 401, body: { message: '401 Unauthorized' } };
  expect(await ask(url, asJson({}), '')).toMatchObject(unauthorized);
  expect(await ask(url, asJson({}), 'unknown')).toMatchObject(unauthorized);
  const basic = { method: 'POST', headers: { authorization: `Basic ${btoa('ada:good')}` } };
  expect(await ask(url, basic, '')).toMatchObject(unauthorized);
});

test('a token that was good once is told what became of it', async () => {
  const url = `${await serve([echo])}/api/v4/things/7`;
  expect(await ask(url, asJson({}), 'old')).toMatchObject({
    status: 401,
    body: {
      error: 'invalid_token',
      error_description: 'Token is expired. You can either do re-authorization or token refresh.',
    },
  });
  expect(await ask(url, asJson({}), 'revoked')).toMatchObject({
    status: 401,
    body: {
      error: 'invalid_token',
      error_description: 'Token was revoked. You have to re-authorize from the user.',
    },
  });
  expect(await ask(url, asJson({}), 'blocked')).toMatchObject({ status: 403 });
});

test('a token needs the scope for what it is used for', async () => {
  const url = await serve([echo, paged]);
  const refused = await ask(`${url}/api/v4/things/7`, asJson({ name: 'a' }), 'reader');
  expect(refused).toMatchObject({
    status: 403,
    body: {
      error: 'insufficient_scope',
      error_description: 'The request requires higher privileges than provided by the access token.',
      scope: 'api',
    },
  });
  expect(await ask(`${url}/api/v4/things`, {}, 'reader')).toMatchObject({ status: 200 });
  expect(await ask(`${url}/api/v4/things`, {}, 'puller')).toMatchObject({
    status: 403,
    body: { scope: 'api read_api' },
  });
});

test('what has no endpoint is 404, a known path with another method 405; other paths are left alone', async () => {
  const url = await serve([echo, failing(new Error())]);
  expect(await ask(`${url}/api/v4/nothing`)).toMatchObject({ status: 404, body: { error: '404 Not Found' } });
  expect(await ask(`${url}/api/v4`)).toMatchObject({ status: 404, body: { error: '404 Not Found' } });
  const other = await ask(`${url}/api/v4/things/7`, { method: 'PUT' });
  expect(other).toMatchObject({ status: 405, body: { message: '405 Method Not Allowed' } });
  expect(other.headers.get('allow')).toBe('POST, DELETE');
  expect(await (await fetch(`${url}/api/v5/things`)).text()).toBe('beyond');
  expect(await (await fetch(`${url}/api/v40`)).text()).toBe('beyond');
});

test.each([
  [400, { message: '400 Bad request - no' }, new RefusedError('bad-request', 'no')],
  [403, { message: '403 Forbidden' }, new RefusedError('forbidden')],
  [403, { message: '403 Forbidden - no' }, new RefusedError('forbidden', 'no')],
  [404, { message: '404 Not found' }, new RefusedError('not-found')],
  [404, { message: '404 Group Not Found' }, new RefusedError('not-found', 'Group')],
  [409, { message: '409 Conflict' }, new RefusedError('conflict')],
  [409, { message: 'Member already exists' }, new RefusedError('conflict', 'Member already exists')],
  [412, { message: '412 Precondition Failed' }, new RefusedError('precondition-failed')],
  [400, { message: { name: ['is bad'] } }, new RefusedError('invalid', { name: ['is bad'] })],
])('%i %j', async (status, body, error) => {
  const answer = await ask(`${await serve([failing(error)])}/api/v4/things/7`, { method: 'DELETE' });
  expect(answer).toMatchObject({ status, body });
});

test.each([new TypeError('secret'), new OutboundError('not-found', 'secret', { status: 404 })])(
  'anything else is a bug: logged with its stack, and nothing of it is sent',
  async (error) => {
    const logged: object[] = [];
    const log = { ...silentLog, error: (fields: object) => logged.push(fields) };
    const answer = await ask(`${await serve([failing(error)], log)}/api/v4/things/7`, { method: 'DELETE' });
    expect(answer).toMatchObject({ status: 500, body: { message: '500 Internal Server Error' } });
    expect(logged).toEqual([{ err: error }]);
  },
);

test('a page says where the others are, without the token it was asked with', async () => {
  const url = await serve([paged]);
  const { headers } = await ask(`${url}/api/v4/things?page=2&per_page=20&private_token=good&x=y`, {}, '');
  const base = 'https://registry.example/api/v4/things';
  expect(headers.get('link')).toBe(
    [
      `<${base}?page=1&per_page=20&x=y>; rel="prev"`,
      `<${base}?page=3&per_page=20&x=y>; rel="next"`,
      `<${base}?page=1&per_page=20&x=y>; rel="first"`,
      `<${base}?page=3&per_page=20&x=y>; rel="last"`,
    ].join(', '),
  );
  expect(Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-')))).toEqual({
    'x-page': '2',
    'x-per-page': '20',
    'x-next-page': '3',
    'x-prev-page': '1',
    'x-total': '45',
    'x-total-pages': '3',
  });
});

test('a single thing is sent again only when it has changed', async () => {
  let count = 1;
  const single = endpoint({
    method: 'GET',
    path: '/thing',
    summary: 'One thing',
    status: 200,
    response: z.object({ count: z.int() }),
    handle: async () => ({ count }),
  });
  const url = `${await serve([single])}/api/v4/thing`;
  const etag = (await ask(url)).headers.get('etag') ?? '';
  const again = (tag: string) => ask(url, { headers: { 'if-none-match': tag } });
  expect(await again(`"other", ${etag}`)).toMatchObject({ status: 304, body: null });
  expect(await again(`W/${etag}`)).toMatchObject({ status: 304 });
  count = 2;
  expect(await again(etag)).toMatchObject({ status: 200, body: { count: 2 } });
});

test('an outdated parameter works, and the answer says that it is outdated', async () => {
  const changed = endpoint({
    method: 'POST',
    path: '/thing',
    summary: 'Change a thing',
    params: z.object({ old: outdated(truth.optional(), 'fresh'), fresh: truth.optional() }),
    status: 201,
    response: z.unknown(),
    handle: async (_actor, input) => input,
  });
  const url = `${await serve([changed])}/api/v4/thing`;
  const old = await ask(url, asJson({ old: true }));
  expect(old).toMatchObject({ status: 201, body: { old: true } });
  expect(old.headers.get('deprecation')).toMatch(/^@\d+$/);
  expect((await ask(url, asJson({ fresh: true }))).headers.has('deprecation')).toBe(false);
});
