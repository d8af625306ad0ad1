import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Answer } from '../../../src/outbound/answer.ts';
import { startLoopbackRegistry } from '../upstreams/loopback-registry.ts';
import { answerOf } from './answer-kit.ts';

const url = new URL('https://registry.example.com/x');

test('an answer has its status, its address and its headers, whatever their case and number', () => {
  const answer = answerOf({ status: 203, headers: { etag: '"x"', link: ['<a>', '<b>'] } });
  expect([answer.status, answer.url]).toEqual([203, url]);
  expect([answer.header('ETag'), answer.header('Link'), answer.header('Age')]).toEqual([
    '"x"',
    '<a>, <b>',
    undefined,
  ]);
});

test.each([
  ['0', 0],
  ['10', 10],
  ['9'.repeat(15), 999_999_999_999_999],
  ['9'.repeat(16), undefined],
  ['-1', undefined],
  ['1 ', undefined],
  ['1e3', undefined],
  ['', undefined],
])('a Content-Length of "%s" is %o', (text, length) => {
  expect(answerOf({ headers: { 'content-length': text } }).length).toBe(length);
});

test('without Content-Length no length is known', () => {
  expect(answerOf().length).toBeUndefined();
});

describe('reading', () => {
  const pieces = () => Readable.from([Buffer.from('012'), Buffer.from('34')]);

  test('gives all bytes, up to so many, announced or not', async () => {
    expect((await answerOf({ body: pieces() }).read(5)).toString()).toBe('01234');
    expect((await answerOf({ headers: { 'content-length': '5' }, body: pieces() }).read(5)).toString()).toBe(
      '01234',
    );
    expect(await answerOf().read(0)).toEqual(Buffer.alloc(0));
  });

  test.each([
    ['that come', {}, pieces],
    ['that are announced, of which none is waited for', { 'content-length': '5' }, () => new PassThrough()],
  ])('refuses more bytes %s, and ends the answer', async (_what, headers, body) => {
    const sent = body();
    await expect(answerOf({ headers, body: sent }).read(4)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'sent more than the 4 bytes that are accepted here',
    });
    expect(sent.destroyed).toBe(true);
  });

  test('ends with what went wrong, or with the reason of who gave up', async () => {
    const broken = () =>
      new Readable({ read: () => undefined }).destroy(Object.assign(new Error('x'), { code: 'ECONNRESET' }));
    await expect(answerOf({ body: broken() }).read(4)).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'closed the connection',
    });
    const here = new AbortController().signal;
    await expect(answerOf({ body: broken(), signal: here }).read(4)).rejects.toMatchObject({
      kind: 'unavailable',
    });
    const left = AbortSignal.abort(new Error('left'));
    await expect(answerOf({ body: broken(), signal: left }).read(4)).rejects.toThrow('left');
  });
});

describe('an answer that nobody wants', () => {
  afterEach(() => void vi.useRealTimers());

  /** Over one connection. */
  async function ask(from: string): Promise<Answer> {
    return new Answer(url, await request(from, { dispatcher: agent() }), undefined);
  }

  let current: Agent | undefined;
  function agent(): Agent {
    if (current) return current;
    const created = new Agent({ connections: 1, pipelining: 1 });
    onTestFinished(() => {
      current = undefined;
      return created.destroy();
    });
    current = created;
    return created;
  }

  test('is read where it is short, so that its connection is used again', async () => {
    const registry = await startLoopbackRegistry((_request, response) => response.end('x'.repeat(60_000)));
    (await ask(registry.url)).discard();
    (await ask(registry.url)).discard();
    await vi.waitFor(() => expect(registry.requests).toHaveLength(2), 30_000);
    expect(registry.connections()).toBe(1);
  });

  test('is not read where it is long', async () => {
    const closed = vi.fn();
    const registry = await startLoopbackRegistry(({ socket }, response) => {
      socket.on('close', closed);
      response.write('x'.repeat(90_000));
    });
    (await ask(registry.url)).discard();
    await vi.waitFor(() => expect(closed).toHaveBeenCalled(), 30_000);
  });

  test('is waited for no longer than a second', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const body = Object.assign(new PassThrough(), { dump: async () => undefined });
    answerOf({ body }).discard();
    await vi.advanceTimersByTimeAsync(999);
    expect(body.destroyed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(body.destroyed).toBe(true);
  });

  test('leaves no timer behind once it is over', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const body = Object.assign(new PassThrough(), { dump: async () => undefined });
    const answer = answerOf({ body });
    answer.discard();
    await once(body.destroy(), 'close');
    expect(vi.getTimerCount()).toBe(0);
    answer.discard();
    expect(vi.getTimerCount()).toBe(0);
  });
});
