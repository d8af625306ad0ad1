/** On real sockets: bodies that stand still or break off. */
import type { RequestListener, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BlockedAddressError } from '../../../src/outbound/address-guard.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import { type Post, Poster } from '../../../src/outbound/poster.ts';
import { startLoopbackRegistry } from '../upstreams/loopback-registry.ts';

const limit = { ms: 5000, setting: 'timeout_seconds' };
const never = new AbortController().signal;
const now = Date.parse('2026-01-01T00:00:00Z');
let poster: Poster;

beforeEach(() => {
  poster = new Poster({ allowedNetworks: ['127.0.0.1/32'], userAgent: 'entrepot/test', now: () => now });
});
afterEach(() => poster.close());

async function startEndpoint(handler: RequestListener) {
  const { url, requests } = await startLoopbackRegistry(handler);
  const post: Post = {
    url: new URL('/events', url),
    headers: { 'content-type': 'text/x', 'user-agent': 'x' },
    body: 'news',
  };
  return { post, requests };
}

/** Answers with the beginning of a body that goes on only by what is returned. */
async function startHolding(beginning: string) {
  const held = Promise.withResolvers<ServerResponse>();
  const { post } = await startEndpoint((_request, response) => {
    response.writeHead(200, { 'content-length': '4000' }).write(beginning);
    held.resolve(response);
  });
  return { post, held: held.promise };
}

test('what is posted arrives as it is, as ours', async () => {
  const arrived: unknown[] = [];
  const { post, requests } = await startEndpoint(async ({ headers }, response) => {
    arrived.push(headers['content-type'], headers['user-agent']);
    response.end('thanks');
  });
  expect(await poster.post(post, limit, never)).toEqual({
    status: 200,
    body: 'thanks',
    retryAfterMs: undefined,
  });
  expect([requests, arrived]).toEqual([['POST /events'], ['text/x', 'entrepot/test']]);
});

test('the body is sent', async () => {
  const { post } = await startEndpoint((request, response) => request.pipe(response));
  expect(await poster.post(post, limit, never)).toMatchObject({ body: 'news' });
});

test('an answer is given whatever its status, and redirects are not followed', async () => {
  const { post, requests } = await startEndpoint((_request, response) =>
    response.writeHead(302, { location: '/events', 'retry-after': '90' }).end(),
  );
  expect(await poster.post(post, limit, never)).toEqual({ status: 302, body: '', retryAfterMs: 90_000 });
  expect(requests).toHaveLength(1);
});

test('how long to stay away may be said as a date', async () => {
  const { post } = await startEndpoint((_request, response) =>
    response.writeHead(429, { 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' }).end(),
  );
  expect(await poster.post(post, limit, never)).toMatchObject({ status: 429, retryAfterMs: 7000 });
});

describe('of an answer', () => {
  afterEach(() => void vi.useRealTimers());

  test('1024 bytes are read, and what comes after them is not waited for', async () => {
    // A second that is never over.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { post } = await startHolding('x'.repeat(1024));
    expect(await poster.post(post, limit, never)).toMatchObject({ body: 'x'.repeat(1024) });
    const longer = await startHolding(`${'x'.repeat(1023)}yz`);
    expect(await poster.post(longer.post, limit, never)).toMatchObject({ body: `${'x'.repeat(1023)}y` });
  });

  test('what comes in pieces is put together', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { post, held } = await startHolding('0123');
    const posted = poster.post(post, limit, never);
    const response = await held;
    for (let turns = 0; turns < 20; turns++) await setImmediate();
    response.write('x'.repeat(1020));
    expect(await posted).toMatchObject({ body: `0123${'x'.repeat(1020)}` });
  });

  test('what breaks off counts as far as it came', async () => {
    const { post, held } = await startHolding('0123');
    const posted = poster.post(post, limit, never);
    const response = await held;
    setTimeout(() => response.destroy(), 10);
    expect(await posted).toMatchObject({ status: 200, body: '0123' });
  });

  test('what stands still for a second counts as far as it came, and its connection ends', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const startedAt = Date.now();
    const { post, held } = await startHolding('0123');
    const posted = poster.post(post, { ...limit, ms: 3_600_000 }, never);
    const response = await held;
    const closed = new Promise((resolve) => response.on('close', resolve));
    let isOver = false;
    void posted.finally(() => {
      isOver = true;
    });
    await vi.waitFor(
      async () => {
        await vi.advanceTimersByTimeAsync(100);
        expect(isOver).toBe(true);
      },
      { interval: 5, timeout: 30_000 },
    );
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1000);
    expect(await posted).toMatchObject({ status: 200, body: '0123' });
    await closed;
  });

  test('the status counts though the limit ends its body', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { post, held } = await startHolding('0123');
    const posted = poster.post(post, { ...limit, ms: 500 }, never);
    await held;
    for (let turns = 0; turns < 20; turns++) await setImmediate();
    await vi.advanceTimersByTimeAsync(500);
    expect(await posted).toMatchObject({ status: 200, body: '0123' });
  });
});

test('no answer is not waited for longer than the limit, which is named', async () => {
  const { post } = await startEndpoint(() => {});
  await expect(poster.post(post, { ...limit, ms: 50 }, never)).rejects.toMatchObject({
    limit: 'timeout_seconds',
    timedOut: true,
  });
});

test('who leaves does not wait for the answer', async () => {
  const leaving = new AbortController();
  const { post } = await startEndpoint(() => leaving.abort(new Error('left')));
  await expect(poster.post(post, limit, leaving.signal)).rejects.toThrow('left');
});

test('an address that is not allowed is not posted to', async () => {
  const { post, requests } = await startEndpoint((_request, response) => response.end());
  const guarded = new Poster({ allowedNetworks: [], userAgent: 'entrepot/test', now: () => now });
  await expect(guarded.post(post, limit, never)).rejects.toBeInstanceOf(BlockedAddressError);
  expect(requests).toEqual([]);
  await guarded.close();
});

test('an endpoint that hangs holds up no other of its host', async () => {
  const { post } = await startEndpoint(({ url }, response) => {
    if (url === '/quick') response.end();
  });
  const leaving = new AbortController();
  const hanging = Array.from({ length: 20 }, () => poster.post(post, limit, leaving.signal));
  const ended = Promise.allSettled(hanging);
  const quick = { ...post, url: new URL('/quick', post.url) };
  expect(await poster.post(quick, limit, never)).toMatchObject({ status: 200 });
  leaving.abort();
  await ended;
});

test('closing ends what is under way', async () => {
  const { post } = await startEndpoint(() => void poster.close());
  await expect(poster.post(post, limit, never)).rejects.not.toBeInstanceOf(OutboundError);
});
