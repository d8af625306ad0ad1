/** http.redirect: plain HTTP at an address of its own. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { freePort } from '../support/free-port.ts';

const externalUrl = 'https://registry.example.com:8443';

describe('http.redirect', () => {
  let app: TestApp;
  let plain: string;
  beforeAll(async () => {
    const address = `127.0.0.1:${await freePort()}`;
    plain = `http://${address}`;
    app = await TestApp.start({
      environment: { ENTREPOT_HTTP__EXTERNAL_URL: externalUrl, ENTREPOT_HTTP__REDIRECT: address },
    });
  });
  afterAll(() => app.close());

  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${plain}${path}`, { ...init, redirect: 'manual' });

  test.each(['/', '/groups/acme?tab=tags', '//evil.example.com/x', '/v2x'])(
    'browsers are led from %s to the same at https',
    async (path) => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await ask(path, { method });
        expect(answer.status).toBe(308);
        expect(answer.headers.get('location')).toBe(`${externalUrl}${path}`);
      }
    },
  );

  test.each([
    ['a ping of a registry client', 'GET', '/v2/', {}],
    ['a pull', 'GET', '/v2/acme/shop/web/manifests/1', {}],
    ['a query of /v2', 'GET', '/v2?n=1', {}],
    ['a request for a token', 'GET', '/jwt/auth?service=x', {}],
    ['an exchange of a token', 'GET', '/oauth/token', {}],
    ['a call of the API', 'GET', '/api/v4/version?private_token=x', {}],
    ['a call of the API of GitLab', 'GET', '/gitlab/v1/', {}],
    ['credentials, wherever they go', 'GET', '/', { authorization: 'Basic eDp5' }],
    ['a form', 'POST', '/', {}],
  ])('%s is refused, and told where https is', async (_name, method, path, headers) => {
    const answer = await ask(path, { method, headers });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('location')).toBeNull();
    const body = (await answer.json()) as { errors: { code: string; message: string }[]; message: string };
    expect(body.errors).toEqual([{ code: 'DENIED', message: body.message }]);
    expect(body.message).toContain(externalUrl);
  });

  test('the name of another host in the first line of a request leads nowhere else', async () => {
    const location = await new Promise((resolve, reject) => {
      const { hostname, port } = new URL(plain);
      request({ hostname, port, path: 'http://evil.example.com/x' }, (answer) => {
        answer.resume();
        resolve(answer.headers.location);
      })
        .on('error', reject)
        .end();
    });
    expect(location).toBe(`${externalUrl}/`);
  });

  test('what is served elsewhere is served as before', async () => {
    expect((await fetch(`${app.url}/v2/`)).status).toBe(401);
  });
});
