import nock from 'nock';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { JsonDocuments, maxDocumentBytes } from '../../../src/outbound/json-documents.ts';
import { startLoopbackRegistry } from '../upstreams/loopback-registry.ts';
import { origin, useMockedRegistry } from '../upstreams/mocked-registry.ts';

const keys = new URL('/keys', origin);
const never = new AbortController().signal;
let documents: JsonDocuments;

beforeEach(() => {
  documents = create();
});
afterEach(() => documents.close());

function create(queueMs = 5000): JsonDocuments {
  return new JsonDocuments({
    connectMs: 60_000,
    firstByteMs: 60_000,
    idleMs: 60_000,
    queueMs,
    answerMs: 60_000,
    allowedNetworks: ['127.0.0.1/32'],
    userAgent: 'entrepot/test',
  });
}

describe('a document', () => {
  useMockedRegistry();

  test('is asked for as JSON, and given as what it says', async () => {
    nock(origin, { reqheaders: { accept: 'application/json', 'user-agent': 'entrepot/test' } })
      .get('/keys')
      .reply(200, { keys: [] });
    expect(await documents.fetch(keys, never)).toEqual({ keys: [] });
  });

  test.each([
    [404, 'not-found'],
    [410, 'unavailable'],
    [204, 'unavailable'],
    [503, 'unavailable'],
  ])('that is answered with %d is %s', async (status, kind) => {
    nock(origin).get('/keys').reply(status);
    await expect(documents.fetch(keys, never)).rejects.toMatchObject({
      kind,
      status,
      message: `answered ${status}`,
    });
  });

  test('is not looked for where a redirect leads', async () => {
    nock(origin).get('/keys').reply(307, undefined, { location: '/other' });
    await expect(documents.fetch(keys, never)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'redirected where no redirect is accepted',
    });
  });

  test.each([
    ['is no JSON', 'nonsense', 'sent an answer that is not JSON'],
    ['is nested too deeply', '['.repeat(100), 'sent an answer that is nested deeper than 64 levels'],
    [
      'is too long',
      `"${'x'.repeat(maxDocumentBytes)}"`,
      `sent more than the ${maxDocumentBytes} bytes that are accepted here`,
    ],
  ])('that %s is none', async (_what, body, message) => {
    nock(origin).get('/keys').reply(200, body);
    await expect(documents.fetch(keys, never)).rejects.toMatchObject({ kind: 'invalid', message });
  });

  test('may be as long as is accepted', async () => {
    const text = 'x'.repeat(maxDocumentBytes - 2);
    nock(origin).get('/keys').reply(200, `"${text}"`);
    expect(await documents.fetch(keys, never)).toBe(text);
  });

  test('is not asked for by who has left', async () => {
    await expect(documents.fetch(keys, AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
  });
});

describe('a form', () => {
  useMockedRegistry();
  const fields = new URLSearchParams({ grant_type: 'authorization_code', code: 'a b' });

  test('is posted encoded, with headers of its own, and answered with JSON', async () => {
    const reqheaders = {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      authorization: 'Basic x',
    };
    nock(origin, { reqheaders })
      .post('/token', 'grant_type=authorization_code&code=a+b')
      .reply(200, { id_token: 't' });
    const posted = documents.post(
      new URL('/token', origin),
      { fields, headers: { authorization: 'Basic x' } },
      never,
    );
    expect(await posted).toEqual({ status: 200, body: { id_token: 't' } });
  });

  test('that is refused gives the refusal, which is JSON too', async () => {
    nock(origin).post('/token').reply(400, { error: 'invalid_grant' });
    expect(await documents.post(new URL('/token', origin), { fields, headers: {} }, never)).toEqual({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });

  test.each([
    [307, { location: '/other' }, '', 'redirected where no redirect is accepted'],
    [500, {}, '<html>', 'sent an answer that is not JSON'],
  ])('that is answered with %d and no JSON is an error', async (status, headers, body, message) => {
    nock(origin).post('/token').reply(status, body, headers);
    const posted = documents.post(new URL('/token', origin), { fields, headers: {} }, never);
    await expect(posted).rejects.toMatchObject({ kind: 'invalid', message });
  });
});

test('a form is sent once, whatever becomes of its connection', async () => {
  const { url, requests } = await startLoopbackRegistry((request) => request.socket.destroy());
  const posted = documents.post(
    new URL('/token', url),
    { fields: new URLSearchParams(), headers: {} },
    never,
  );
  await expect(posted).rejects.toMatchObject({ message: 'closed the connection' });
  expect(requests).toEqual(['POST /token']);
});

test('answers that are none hold no connection', async () => {
  const { url } = await startLoopbackRegistry((_request, response) =>
    response.writeHead(500).end('x'.repeat(100_000)),
  );
  const impatient = create(100);
  onTestFinished(() => impatient.close());
  for (let n = 0; n < 5; n++)
    await expect(impatient.fetch(new URL(url), never)).rejects.toMatchObject({ message: 'answered 500' });
});

test('closing ends what is under way', async () => {
  const { url } = await startLoopbackRegistry((_request, response) => {
    response.writeHead(200).write('{');
    void documents.close();
  });
  await expect(documents.fetch(new URL(url), never)).rejects.toMatchObject({ kind: 'unavailable' });
});
