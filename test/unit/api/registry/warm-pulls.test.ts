/** Which requests are answered before koa, and that all others come to it as they were. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { Mirror } from '../../../../src/api/mirrors.ts';
import { answerWarmPulls, type WarmContent } from '../../../../src/api/registry/warm-pulls.ts';
import { Requests } from '../../../../src/api/requests.ts';
import { Listener } from '../../../../src/api/server/server.ts';
import { digestOf } from '../../../../src/oci/digest.ts';
import { ociManifest } from '../../../../src/oci/media-types.ts';
import type { BytesAnswer } from '../../../../src/oci/repository.ts';
import { silentLog } from '../../../support/silent-log.ts';

const payload = Buffer.from('{"a":"manifest"}');
const found: BytesAnswer = { digest: digestOf(payload), mediaType: ociManifest, payload, outcome: 'hit' };
const path = '/v2/acme/shop/manifests/latest';
const blobPath = `/v2/acme/shop/blobs/${found.digest}`;
const good = { authorization: 'Bearer good' };

type Find = WarmContent['findManifest'] & WarmContent['findBlob'];

/** Says whether a request came to koa. */
async function serve(findManifest: Find, findBlob: Find = findManifest, mirror?: Mirror) {
  const pulled: string[] = [];
  const answered: string[] = [];
  const requests = new Requests({
    log: silentLog,
    observer: {
      answered: (method, route, status) => answered.push(`${method} ${route} ${status}`),
      served: () => undefined,
    },
    externalUrl: undefined,
    logged: 'all',
    trustedProxies: [],
    now: () => 0,
  });
  const bearer = {
    kind: 'registry-token',
    subject: 'ann',
    principal: undefined,
    access: [],
    refused: [],
  } as const;
  const handler = answerWarmPulls(
    {
      requests,
      access: { findPuller: (header) => (header === good.authorization ? bearer : undefined) },
      content: { findManifest, findBlob },
      findMirror: () => mirror,
      observer: { pulled: (kind, outcome) => pulled.push(`${kind} ${outcome}`) },
    },
    (_: IncomingMessage, response: ServerResponse) => response.writeHead(418).end(),
  );
  const listener = await Listener.open({ address: '127.0.0.1:0', handler, shutdownMs: 100, log: silentLog });
  return {
    pulled,
    answered,
    ask: (target: string, init: RequestInit = {}) =>
      fetch(`${listener.url}${target}`, { headers: good, ...init }),
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

test.each([
  ['at once', () => found],
  ['in a while', async () => found],
] as const)('what is found %s is answered and counted', async (_, find) => {
  await using server = await serve(find);
  const answer = await server.ask(path);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe(payload.toString());
  expect(answer.headers.get('docker-content-digest')).toBe(found.digest);
  const head = await server.ask(path, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(payload.length)]);
  expect(server.pulled).toEqual(['manifest hit', 'manifest hit']);
  const route = '/v2/*name/manifests/:reference 200';
  await expect.poll(() => server.answered).toEqual([`GET ${route}`, `HEAD ${route}`]);
});

test('at a mirror what is found is an image of its virtual registry, of whom the query says', async () => {
  const asked: unknown[] = [];
  const find: Find = (...question) => {
    asked.push(question);
    return found;
  };
  const mirror = { registryId: 3, isAnonymous: false, standsFor: new Set<string>() };
  await using server = await serve(find, find, mirror);
  const name = 'virtual_registries/container/3/acme/shop';
  const choice = { host: 'docker.io', isForEveryone: false };
  expect((await server.ask(`${path}?ns=docker.io`)).status).toBe(200);
  expect((await server.ask(blobPath)).status).toBe(200);
  expect((await server.ask('/v2/_catalog')).status).toBe(418);
  expect(asked).toEqual([
    [name, 'latest', true, choice],
    [name, found.digest, true, undefined],
  ]);
});

test('a blob is answered and counted as one', async () => {
  const asked: unknown[] = [];
  await using server = await serve(
    () => undefined,
    (...question) => {
      asked.push(question);
      return { ...found, mediaType: 'application/octet-stream' };
    },
  );
  for (const [method, body] of [
    ['GET', payload.toString()],
    ['HEAD', ''],
  ] as const) {
    const answer = await server.ask(`/v2/acme/shop/blobs/${found.digest}?ns=docker.io`, { method });
    expect([answer.status, await answer.text()]).toEqual([200, body]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'content-length': String(payload.length),
      'content-type': 'application/octet-stream',
    });
  }
  expect(asked).toEqual([
    ['acme/shop', found.digest, true, undefined],
    ['acme/shop', found.digest, false, undefined],
  ]);
  expect(server.pulled).toEqual(['blob hit', 'blob hit']);
  const route = '/v2/*name/blobs/:digest 200';
  await expect.poll(() => server.answered).toEqual([`GET ${route}`, `HEAD ${route}`]);
});

test('of a manifest there are no parts', async () => {
  await using server = await serve(() => found);
  const answer = await server.ask(path, { headers: { ...good, range: 'bytes=0-1' } });
  expect([answer.status, await answer.text()]).toEqual([200, payload.toString()]);
  expect(answer.headers.get('accept-ranges')).toBeNull();
});

test('a HEAD is no pull', async () => {
  const asked: unknown[] = [];
  await using server = await serve((...question) => {
    asked.push(question);
    return found;
  });
  await server.ask(path, { method: 'HEAD' });
  await server.ask(`/v2/a/manifests/b/manifests/${found.digest}?ns=docker.io`);
  expect(asked).toEqual([
    ['acme/shop', 'latest', false, undefined],
    ['a/manifests/b', found.digest, true, undefined],
  ]);
});

test.each([
  ['a change', path, { method: 'PUT' }],
  ['a condition', path, { headers: { ...good, 'if-none-match': '"x"' } }],
  ['no token', path, { headers: {} }],
  ['another token', path, { headers: { authorization: 'Bearer other' } }],
  ['a path with something encoded', '/v2/acme/shop/manifests/l%61test', {}],
  ['a bad name', '/v2/acme//shop/manifests/latest', {}],
  ['a bad reference', '/v2/acme/shop/manifests/sha256:12', {}],
  ['a path that goes on', `${path}/`, {}],
  ['a blob by a tag', '/v2/acme/shop/blobs/latest', {}],
  ['a part of a blob', blobPath, { headers: { ...good, range: 'bytes=0-1' } }],
  ['a blob with a condition', blobPath, { headers: { ...good, 'if-none-match': '*' } }],
  ['an upload', '/v2/acme/shop/blobs/uploads', {}],
  ['another kind', '/v2/acme/shop/tags/list', {}],
] as const)('%s comes to koa', async (_, target, init) => {
  await using server = await serve(() => found);
  expect((await server.ask(target, init)).status).toBe(418);
  expect(server.pulled).toEqual([]);
});

const finds: readonly (readonly [string, Find])[] = [
  ['not found at once', () => undefined],
  ['not found in the end', async () => undefined],
  ['not to be looked for', () => Promise.reject(new Error('no database'))],
];
test.each(finds)('what is %s comes to koa, and is not counted', async (_, find) => {
  await using server = await serve(find);
  expect((await server.ask(path)).status).toBe(418);
  expect(server.pulled).toEqual([]);
});
