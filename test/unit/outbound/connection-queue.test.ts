import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConnectionQueue } from '../../../src/outbound/connection-queue.ts';
import { withDeadline } from '../../../src/outbound/deadline.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';

const limit = { ms: 1000, setting: 'upstreams.queue_seconds' };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function createQueue(max: number, hasProbes = true) {
  const queue = new ConnectionQueue({ max, hasProbes, limit });
  const given: string[] = [];
  const releases: (() => void)[] = [];
  /** Asks as a repository; its name is in `given` once it has a connection. */
  const ask = (
    repository: string,
    { isProbe = false, signal }: { isProbe?: boolean; signal?: AbortSignal } = {},
  ) =>
    queue.take({ repository, isProbe }, signal).then((release) => {
      given.push(repository);
      releases.push(release);
    });
  return { queue, given, releases, ask };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

describe('connections', () => {
  test('are given up to their number, and the next as soon as one is free', async () => {
    const { queue, given, releases, ask } = createQueue(2);
    for (const name of ['a', 'b', 'c', 'd']) void ask(name, { isProbe: true });
    await settled();
    expect(given).toEqual(['a', 'b']);
    releases[0]?.();
    releases[0]?.();
    await settled();
    expect(given).toEqual(['a', 'b', 'c']);
    for (const release of releases) release();
    await settled();
    for (const release of releases) release();
    expect(given).toEqual(['a', 'b', 'c', 'd']);
    expect([queue.isIdle, vi.getTimerCount()]).toEqual([true, 0]);
  });

  test('go to images in turns, however many one asks for', async () => {
    const { given, releases, ask } = createQueue(1);
    for (const name of ['a', 'a', 'a', 'a', 'b', 'c', 'b']) void ask(name);
    for (let n = 0; n < 7; n += 1) {
      await settled();
      releases.at(-1)?.();
    }
    expect(given).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'a']);
  });

  test('are never all one image’s', async () => {
    const { given, ask } = createQueue(4);
    for (let n = 0; n < 9; n += 1) void ask('greedy');
    void ask('other');
    await settled();
    expect(given).toEqual(['greedy', 'greedy', 'other']);
  });

  test('are never all taken by what is read to an end, so that a HEAD is answered meanwhile', async () => {
    const { given, releases, ask } = createQueue(4);
    for (const name of ['a', 'b', 'c', 'd']) void ask(name);
    void ask('probe', { isProbe: true });
    await settled();
    expect(given).toEqual(['a', 'b', 'c', 'probe']);
    releases[3]?.();
    await settled();
    expect(given).toHaveLength(4);
    releases[0]?.();
    await settled();
    expect(given.at(-1)).toBe('d');
  });

  test('are shared by halves, of an odd number the larger one', async () => {
    const { given, ask } = createQueue(3, false);
    for (let n = 0; n < 9; n += 1) void ask('greedy');
    void ask('other');
    await settled();
    expect(given).toEqual(['greedy', 'greedy', 'other']);
  });

  test('are kept for a HEAD by quarters, and none of fewer than four', async () => {
    const few = createQueue(3);
    for (const name of ['a', 'b', 'c']) void few.ask(name);
    const many = createQueue(9);
    for (let n = 0; n < 9; n += 1) void many.ask(`app${n}`);
    await settled();
    expect([few.given.length, many.given.length]).toEqual([3, 7]);
  });

  test('of one image are its again as soon as it has given one back', async () => {
    const { queue, given, releases, ask } = createQueue(4, false);
    for (let n = 0; n < 4; n += 1) void ask('greedy');
    await settled();
    expect(queue.isIdle).toBe(false);
    for (let n = 0; n < 2; n += 1) {
      releases[n]?.();
      await settled();
      expect(given).toHaveLength(3 + n);
    }
    for (const release of releases) release();
    expect(queue.isIdle).toBe(true);
  });

  test('are not idle while somebody waits for one', async () => {
    const { queue, releases, ask } = createQueue(1);
    void ask('a');
    void ask('b');
    await settled();
    releases[0]?.();
    await settled();
    expect(queue.isIdle).toBe(false);
    releases[1]?.();
    expect(queue.isIdle).toBe(true);
  });

  test('are all for transfers where nothing else is asked over them', async () => {
    const { given, ask } = createQueue(4, false);
    for (const name of ['a', 'b', 'c', 'd']) void ask(name);
    await settled();
    expect(given).toHaveLength(4);
  });

  test('are waited for no longer than the limit, and the error names it', async () => {
    const { queue, releases, ask } = createQueue(1);
    void ask('a');
    const late = expect(ask('b')).rejects.toMatchObject({
      kind: 'unavailable',
      timedOut: true,
      busy: true,
      limit: 'upstreams.queue_seconds',
      message: 'was not asked: the connections to it stayed busy (upstreams.queue_seconds)',
    });
    await vi.advanceTimersByTimeAsync(1000);
    await late;
    releases[0]?.();
    expect(queue.isIdle).toBe(true);
  });

  test('are waited for no longer than the request may take, whose limit is then named', async () => {
    const { ask } = createQueue(1);
    void ask('a');
    const probe = { ms: 500, setting: 'upstreams.probe_seconds' };
    const late = expect(
      withDeadline(probe, undefined, (signal) => ask('b', { signal })),
    ).rejects.toMatchObject({
      busy: true,
      limit: 'upstreams.probe_seconds',
    });
    await vi.advanceTimersByTimeAsync(500);
    await late;
  });

  test('are not given to who has left, and nobody loses a turn by it', async () => {
    const { queue, given, releases, ask } = createQueue(1);
    const leaving = new AbortController();
    void ask('a');
    const left = expect(ask('b', { signal: leaving.signal })).rejects.toThrow('left');
    void ask('c');
    leaving.abort(new Error('left'));
    await left;
    await expect(ask('d', { signal: leaving.signal })).rejects.toThrow('left');
    releases[0]?.();
    await settled();
    expect(given).toEqual(['a', 'c']);
    releases[1]?.();
    expect(queue.isIdle).toBe(true);
  });

  test('are given all the same to who leaves just then, and nobody listens to the leaving any more', async () => {
    const { given, releases, ask } = createQueue(1);
    const leaving = new AbortController();
    void ask('a');
    void ask('b', { signal: leaving.signal });
    await settled();
    releases[0]?.();
    leaving.abort();
    await settled();
    expect(given).toEqual(['a', 'b']);
    expect(getEventListeners(leaving.signal, 'abort')).toEqual([]);
  });

  test('are not said to be busy where another error ends the waiting', async () => {
    const { ask } = createQueue(1);
    const leaving = new AbortController();
    void ask('a');
    const left = ask('b', { signal: leaving.signal });
    const reason = new OutboundError('unavailable', 'is not used any more');
    leaving.abort(reason);
    await expect(left).rejects.toBe(reason);
  });
});
