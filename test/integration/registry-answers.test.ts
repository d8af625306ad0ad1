/**
 * How /v2 and /gitlab/v1 answer whoever asks whatever of which path: status, code, what is challenged for, and what is logged. The
 * answers are in a file, so that a change of any of them is seen.
 */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { basicOf, Credentials } from '../support/credentials.ts';
import { bytesBlob, fakeImage } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const layer = bytesBlob('a layer');
const image = fakeImage({ layers: [layer] });
const virtual = 'virtual_registries/container/1/library/alpine';
const methods = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'];
const some = ['GET', 'POST'];

/** Paths, and the methods that they are asked with. */
const questions: readonly (readonly [paths: readonly string[], methods: readonly string[]])[] = [
  [['/v2/', '/v2/_catalog'], methods],
  [
    ['/v2', '/v2/unknown', '/v2/acme/shop', '/v2/acme/shop/unknown/1'],
    ['GET', 'PUT'],
  ],
  [
    ['manifests/1', 'blobs/uploads/', 'blobs/uploads/some-id'].map((rest) => `/v2/acme/shop/${rest}`),
    methods,
  ],
  [
    [`blobs/${layer.digest}`, 'tags/list', `referrers/${image.digest}`, 'tags/reference/1'].map(
      (rest) => `/v2/acme/shop/${rest}`,
    ),
    ['GET', 'DELETE'],
  ],
  [
    ['manifests/', 'manifests/.bad', 'blobs/', 'blobs/bad', 'tags/', 'tags/other', 'tags/reference/'].map(
      (rest) => `/v2/acme/shop/${rest}`,
    ),
    ['GET', 'DELETE'],
  ],
  [[`/v2/acme/shop/blobs/uploads/?mount=${layer.digest}&from=acme/open`], some],
  [[`/v2/acme/shop/blobs/uploads?from=acme%2Fshut&mount=${layer.digest}`], ['POST']],
  [
    ['/v2/acme/shop/blobs/uploads/?digest=bad', '/v2/acme/shop/blobs/uploads/?digest-algorithm=md5'],
    ['POST'],
  ],
  [
    ['manifests/1', 'tags/list', 'referrers/bad', 'blobs/uploads/'].map((rest) => `/v2/acme/open/${rest}`),
    some,
  ],
  [['manifests/1', 'tags/list', 'blobs/uploads/'].map((rest) => `/v2/acme/none/${rest}`), some],
  [
    ['manifests/1', 'blobs/uploads/', 'tags/list'].map((rest) => `/v2/${virtual}/${rest}`),
    ['GET', 'HEAD', 'PUT'],
  ],
  [['manifests/1', 'unknown'].map((rest) => `/v2/virtual_registries/container/hub/x/${rest}`), some],
  [['manifests/1', 'tags/list', 'blobs/uploads/'].map((rest) => `/v2/ACME/shop/${rest}`), some],
  [['/v2/acme/shop%2Fweb/tags/list', '/v2/a",x="/manifests/1'], ['GET']],
  [
    ['tags/manifests/1', 'blobs/tags/list', 'blobs/uploads/manifests/1'].map((rest) => `/v2/foo/${rest}`),
    some,
  ],
  [['/v2/foo/blobs/uploads/blobs/uploads/', '/v2/foo/manifests/blobs/uploads/manifests'], some],
  [
    ['/gitlab/v1/', '/gitlab/v1/statistics/', '/gitlab/v1/unknown/'],
    ['GET', 'PUT'],
  ],
  [
    [
      'repositories/acme/shop/',
      'repositories/acme/shop',
      'repositories/acme/shop/?size=self_with_descendants',
      'repositories/acme/shop/tags/list/',
      'repositories/acme/shop/tags/detail/1/',
      'repository-paths/acme/shop/repositories/list/',
      'repositories/ACME/shop/',
      `repositories/${virtual}/`,
    ].map((rest) => `/gitlab/v1/${rest}`),
    ['GET', 'DELETE'],
  ],
  [[`/gitlab/v1/repositories/acme/shop/`, `/gitlab/v1/repositories/${virtual}/`], ['PATCH']],
];

async function start() {
  const upstream = await new FakeRegistry().start();
  onTestFinished(() => upstream.stop());
  upstream.repository('library/alpine').push(image, '1');
  const app = await TestApp.start({ upstreams: [upstream] });
  onTestFinished(() => app.close());
  await createProject(app, 'acme/shop');
  await createProject(app, 'acme/open', { visibility: 'public' });
  await createProject(app, 'acme/shut');
  for (const name of ['acme/shop', 'acme/open', 'acme/shut']) await new Pusher(app, name).image(image, '1');
  const credentials = new Credentials(app);
  const id = await credentials.user('rita');
  await credentials.member('groups', 'acme', id, 'Reporter');
  const rita = await credentials.personalToken('rita', id, ['api']);
  const scopes = ['acme/shop', 'acme/open', 'acme/none', virtual, 'foo/tags'].map(
    (name) => `repository:${name}:pull,push,delete`,
  );
  const askers: Record<string, string | undefined> = {
    nobody: undefined,
    unreadable: 'Negotiate abc',
    forged: 'Bearer a.b.c',
    'no-scope': await bearerOf(app.url, rita),
    'reader-token': await bearerOf(app.url, rita, ...scopes),
    reader: basicOf(rita),
    root: basicOf({ username: 'root', secret: app.token }),
  };
  return { app, askers };
}

/** What a request was answered, as far as it does not differ from run to run. */
async function answerTo(url: string, method: string, path: string, authorization: string | undefined) {
  const { status, body, headers } = await ask(url, method, path, authorization);
  const code = /"code":"(\w+)"/.exec(body)?.[1];
  const scope = /scope="([^"]*)"/.exec(headers['www-authenticate'] ?? '')?.[1];
  const error = /error="([^"]*)"/.exec(headers['www-authenticate'] ?? '')?.[1];
  return [
    status,
    code,
    status === 401 && `[${scope ?? ''}]`,
    error,
    headers['allow'] !== undefined && `Allow: ${headers['allow']}`,
    status < 400 && headers['cache-status'],
    headers['vary'] && `Vary: ${headers['vary']}`,
  ]
    .filter((part) => part !== undefined && part !== false && part !== '')
    .join(' ');
}

async function ask(url: string, method: string, path: string, authorization: string | undefined) {
  return new Promise<{
    status: number;
    body: string;
    headers: Record<string, string | undefined>;
  }>((resolve, reject) => {
    // The path as it is: a URL would have it encoded.
    const asked = request(url, {
      method,
      path,
      agent: false,
      headers: { ...(authorization !== undefined && { authorization }) },
    });
    asked.once('error', reject);
    asked.once('response', (answer) => {
      const headers = answer.headers as Record<string, string | undefined>;
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body, headers }), reject);
    });
    asked.end();
  });
}

test('every path is answered as it always was, whoever asks with whatever method', async () => {
  const { app, askers } = await start();
  const lines: string[] = [];
  for (const [paths, asked] of questions) {
    for (const path of paths) {
      for (const method of asked) {
        const said = new Map<string, string[]>();
        for (const [who, authorization] of Object.entries(askers)) {
          const answer = await answerTo(app.url, method, path, authorization);
          said.set(answer, [...(said.get(answer) ?? []), who]);
        }
        lines.push(`${method} ${path}`);
        for (const [answer, whom] of said) lines.push(`  ${whom.join(', ')}: ${answer}`);
      }
    }
  }
  const metrics = await app.metrics();
  const routes = metrics.matchAll(/^entrepot_requests_total\{.*"(?:\/v2|\/gitlab|none).*$/gm);
  lines.push(...[...routes].map(([line]) => line));
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../fixtures/registry-answers.txt');
}, 120_000);
