import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestApp } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start({ environment: { ENTREPOT_HTTP__PAGE: 'false' } });
});
afterAll(() => app.close());

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** With a target as it is: neither fetch nor http would send all of these. */
async function send(method: string, target: string, headers: Record<string, string> = {}): Promise<Answer> {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(
    `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines.join('')}\r\n`,
    'latin1',
  );
  let received = '';
  socket.setEncoding('latin1').on('data', (text) => {
    received += text;
  });
  await once(socket, 'close');
  const end = received.indexOf('\r\n\r\n');
  return {
    status: Number(received.slice(9, 12)),
    head: received.slice(0, end),
    body: received.slice(end + 4),
  };
}

const basic = () => ({ Authorization: `Basic ${Buffer.from(`root:${app.token}`).toString('base64')}` });

describe('whatever is below /v2, in whatever writing, is answered as registries do', () => {
  const targets = [
    '//v2/',
    '///v2//',
    '/V2/',
    '/v2//',
    '/v2/../v2/',
    '/./v2/',
    '/a/../v2/',
    '/%76%32/',
    '/%2fv2/',
    '/v2%2f',
    '/v2/%zz',
    '/v2/%00/',
    '/v2/..%2f..%2fetc/passwd',
    '/v2/a/b/c/d',
    '/v2/acme/manifests/',
    '/v2/acme/manifests/%ff',
    '/v2/a//manifests/b',
    '/\\v2\\',
    'http://elsewhere//v2/',
    'http://elsewhere/v2/nothing',
    '/v2/_catalog/',
    '/v2/acme/blobs/uploads/../x',
    '/v2/acme/tags/list/',
    `/v2/${'a/'.repeat(2000)}manifests/b`,
  ];
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'];

  test.each(targets)('%s', async (target) => {
    for (const method of methods) {
      const answer = await send(method, target, basic());
      expect([method, answer.status]).toEqual([method, expect.toBeOneOf([400, 403, 404, 405])]);
      expect(answer.head).toMatch(/^content-type: application\/json\r?$/im);
      expect(answer.head).toMatch(/^docker-distribution-api-version: registry\/2\.0\r?$/im);
      if (method === 'HEAD') continue;
      const [error] = JSON.parse(answer.body).errors;
      expect(error).toEqual({ code: expect.any(String), message: expect.any(String) });
    }
  });

  test('also where it is asked for as of a proxy', async () => {
    const answer = await send('GET', 'http://elsewhere/v2/', basic());
    expect([answer.status, answer.body]).toEqual([200, '{}']);
    expect((await send('GET', 'http://elsewhere/v2/')).head).toMatch(/^www-authenticate: Bearer /im);
  });
});

test('what is not below /api is said in JSON', async () => {
  for (const target of ['/api/', '/api/v5/groups', '//api/v4/groups', '/API/v4/groups', '/api/v4/nothing']) {
    const answer = await send('GET', target, { 'Private-Token': app.token });
    expect([target, answer.status]).toEqual([target, 404]);
    expect(JSON.parse(answer.body)).toEqual({ error: '404 Not Found' });
    expect(answer.head).toMatch(/^x-content-type-options: nosniff\r?$/im);
  }
});

test('people who come with a browser, where there is no page for them, are told who answers and how to go on, and strangers no version', async () => {
  const html = { Accept: 'text/html,application/xhtml+xml' };
  const front = await send('GET', '/', html);
  expect(front.status).toBe(200);
  expect(front.head).toMatch(/^content-type: text\/html/im);
  expect(front.head).toMatch(/^content-security-policy: default-src 'none'/im);
  expect(front.body).toMatch(/Entrepot.*docker login a<.*href="http:\/\/a\/api\/docs"/s);
  expect(front.body).not.toMatch(/\d+\.\d+\.\d+/);
  for (const target of ['/login', '/help', '/users/sign_in', '/favicon.ico', '/index.html']) {
    const answer = await send('GET', target, html);
    expect([target, answer.status]).toEqual([target, 404]);
    expect(answer.body).toContain('There is no page here.');
  }
  expect((await send('GET', '/')).head).toMatch(/^content-type: text\/plain/im);
  expect((await send('POST', '/')).head).toMatch(/ 405 .*^allow: GET, HEAD\r?$/ims);
  expect((await send('HEAD', '/')).status).toBe(200);
});

describe('a parameter that is too long is refused, with how long it may be', () => {
  const long = 'a'.repeat(7000);
  test.each([
    `/v2/_catalog?n=${'1'.repeat(7000)}`,
    `/v2/_catalog?last=${long}`,
    `/v2/acme/shop/referrers/sha256:${'a'.repeat(64)}?artifactType=${long}`,
    `/api/v4/groups?search=${long}`,
    `/api/v4/groups?unknown=${long}${long}`,
    `/gitlab/v1/repositories/acme/shop/tags/list/?unknown=${long}`,
  ])('%s', async (target) => {
    await app.api('POST', '/groups', { name: 'acme', path: 'acme' });
    await app.api('POST', '/projects', { name: 'shop', path: 'shop', namespace_id: 2, visibility: 'public' });
    const token = target.startsWith('/api') ? { 'Private-Token': app.token } : basic();
    const answer = await send('GET', target, token);
    expect([answer.status, answer.body]).toEqual([400, expect.stringMatching(/(more than|maximum is) \d+/)]);
    expect(answer.head.length).toBeLessThan(4096);
  });
});
