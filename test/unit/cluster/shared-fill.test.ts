import { describe, expect, test, vi } from 'vitest';
import { FillSharing } from '../../../src/cluster/fill-sharing.ts';
import type { Frame } from '../../../src/cluster/frames.ts';
import { SharedFill, StoredMeanwhile } from '../../../src/cluster/shared-fill.ts';
import { OciError } from '../../../src/oci/errors.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import { silentLog } from '../../support/silent-log.ts';

const self = { id: 'self', address: '10.0.0.1:1' };
const source = { upstreamId: 1, repository: 'library/web', origin: 'https://a.test' };
const sources = [source, { ...source, upstreamId: 2 }];
const failure = { code: 'UNAVAILABLE', status: 502, details: ['away'], headers: { a: 'b' } };

type Lease = { key: string; owner: string; address: string; fence: number };
const leaseOf = (owner: string, fence = 1): Lease => ({ key: 'fill', owner, address: `${owner}:1`, fence });

const said = (value: object): Frame => ({ kind: 'said', bytes: Buffer.from(JSON.stringify(value)) });
const bytes = (text: string): Frame => ({ kind: 'bytes', bytes: Buffer.from(text) });

/** A fill, and what records and other processes say in turn. */
function setUp(isStored = false) {
  const world = {
    /** Who has the lease, at each try; self takes it. */
    owners: [] as (string | Error | undefined)[],
    answers: [] as (Frame[] | Error)[],
    takes: [] as unknown[],
    asked: [] as string[],
    avoided: [] as string[],
    closed: 0,
    released: [] as unknown[],
    isHeld: true as boolean | Error,
    held: new Set<Lease>(),
  };
  const records = {
    async take(key: string, by: object, leaseMs: number, dead?: object) {
      world.takes.push([key, by, leaseMs, ...(dead ? [dead] : [])]);
      const owner = world.owners.shift();
      if (owner instanceof Error) throw owner;
      if (owner === undefined) return undefined;
      return { lease: leaseOf(owner.replace('!', '')), isTaken: owner === 'self' };
    },
    async isHeld() {
      if (world.isHeld instanceof Error) throw world.isHeld;
      return world.isHeld;
    },
    async release(lease: object) {
      world.released.push(lease);
      if (world.isHeld instanceof Error) throw world.isHeld;
    },
  };
  const client = {
    async ask({ id }: { id: string }, path: string) {
      world.asked.push(`${id} ${path}`);
      const answer = world.answers.shift() ?? new OutboundError('unavailable', 'dead');
      if (answer instanceof Error) throw answer;
      return {
        frames: (async function* () {
          yield* answer;
        })(),
        close: () => {
          world.closed += 1;
        },
      };
    },
  };
  const tools = {
    records: records as never,
    client,
    peers: { self, avoid: (id: string) => void world.avoided.push(id) },
    leaseMs: 15_000,
    held: world.held as never,
    log: silentLog,
  };
  const fill = new SharedFill({ key: 'fill', sources }, async () => isStored, tools);
  return { world, fill };
}

const never = new AbortController().signal;

async function read(fill: SharedFill, start = 0) {
  const opened = await fill.open(start, undefined);
  const text = String(Buffer.concat(await Array.fromAsync(opened.body)));
  return { opened, text };
}

const alone = { kind: 'not-found', message: 'no other process fetches it' };
const gone = new OutboundError('not-found', 'knows nothing of it');
const complete = said({ isComplete: true });

describe('the process that has the lease', () => {
  test('fetches by itself, keeps it while it does, and gives it back', async () => {
    const { world, fill } = setUp();
    world.owners.push('self');
    await expect(fill.open(5, never)).rejects.toMatchObject(alone);
    expect(world.takes).toEqual([['fill', { owner: 'self', address: '10.0.0.1:1' }, 15_000]]);
    expect([[...world.held], world.asked, fill.head, fill.key]).toEqual([
      [leaseOf('self')],
      [],
      undefined,
      'fill',
    ]);
    expect(await fill.settle(never)).toBe('ours');
    await fill.leave();
    await fill.leave();
    expect([world.held.size, world.released]).toEqual([0, [leaseOf('self')]]);
  });

  test('has lost it where another has taken it, and has it where nobody knows', async () => {
    const { world, fill } = setUp();
    world.owners.push('self');
    await fill.open(0, never).catch(() => undefined);
    world.isHeld = false;
    expect(await fill.settle(never)).toBe('lost');
    expect(await fill.settle(AbortSignal.abort())).toBe('lost');
    world.isHeld = new Error('away');
    expect(await fill.settle(never)).toBe('ours');
    await fill.leave();
    expect(world.released).toHaveLength(1);
  });

  test('looks whether the blob was stored just before', async () => {
    const { world, fill } = setUp(true);
    world.owners.push('self');
    await expect(fill.open(0, never)).rejects.toBeInstanceOf(StoredMeanwhile);
  });
});

test.each([
  ['records are away', new Error('away')],
  ['the lease comes and goes', undefined],
  ['it was left behind by this process', 'self!'],
])('where %s, a process fetches for itself, and stores it', async (_, owner) => {
  const { world, fill } = setUp(true);
  world.owners.push(owner);
  await expect(fill.open(0, never)).rejects.toMatchObject(alone);
  expect([world.held.size, world.asked]).toEqual([0, []]);
  expect(await fill.settle(never)).toBe('ours');
  await fill.leave();
  expect(world.released).toEqual([]);
});

describe('a process that follows', () => {
  test('is given the bytes from where it wants them, and what becomes of them', async () => {
    const { world, fill } = setUp();
    world.owners.push('other');
    const head = { proven: [source], size: 10 };
    world.answers.push([
      bytes('x'),
      said(head),
      bytes('some'),
      bytes(' b'),
      complete,
      said({}),
      said({ isStored: true }),
    ]);
    const { opened, text } = await read(fill, 4);
    expect([opened.start, opened.size, text, fill.head]).toEqual([4, 10, 'some b', head]);
    expect(world.asked).toEqual(['other /-/fills?key=fill&from=4']);
    opened.close();
    expect(world.closed).toBe(0);
    expect(await fill.settle(never)).toBe('theirs');
    await fill.leave();
    expect([world.closed, fill.head]).toEqual([1, undefined]);
  });

  test('leaves where it is closed before all has come', async () => {
    const { world, fill } = setUp();
    world.owners.push('other');
    world.answers.push([said({ size: 10 }), bytes('some')]);
    const opened = await fill.open(0, never);
    opened.close();
    expect(world.closed).toBe(1);
  });

  test('goes on by itself with what was not stored, from where it is', async () => {
    const { world, fill } = setUp();
    world.owners.push('other', 'self');
    world.answers.push([said({ size: 4 }), bytes('some'), complete, said({ isStored: false })]);
    await read(fill);
    expect(await fill.settle(never)).toBe('ours');
    expect([world.held.size, world.closed, world.takes.length]).toEqual([1, 1, 2]);
  });

  test('asks who has the lease then where nothing was said of what became of them', async () => {
    const { world, fill } = setUp();
    world.owners.push('other', 'third');
    world.answers.push(
      [said({ size: 4 }), bytes('some'), complete],
      [said({ size: 4, isComplete: true }), said({ isStored: true })],
    );
    await read(fill);
    expect(await fill.settle(never)).toBe('theirs');
    expect(world.asked).toEqual(['other /-/fills?key=fill&from=0', 'third /-/fills?key=fill&from=4']);
  });

  test('does not wait for longer than it may', async () => {
    const { world, fill } = setUp();
    world.owners.push('other');
    world.answers.push([said({ size: 4 }), bytes('some'), complete]);
    await read(fill);
    expect(await fill.settle(AbortSignal.abort())).toBe('lost');
    expect(world.takes).toHaveLength(1);
    const leaving = new AbortController();
    const settling = setUp();
    settling.world.owners.push('other');
    settling.world.answers.push([said({ size: 4 }), bytes('some'), complete]);
    await read(settling.fill);
    const settled = settling.fill.settle(leaving.signal);
    leaving.abort();
    expect(await settled).toBe('lost');
    expect(settling.world.closed).toBeGreaterThan(0);
  });

  test('takes over from one that is dead, whom it avoids', async () => {
    const { world, fill } = setUp();
    world.owners.push('other', 'self');
    await expect(fill.open(0, never)).rejects.toMatchObject(alone);
    expect(world.avoided).toEqual(['other']);
    expect(world.takes[1]).toEqual([
      'fill',
      { owner: 'self', address: '10.0.0.1:1' },
      15_000,
      leaseOf('other'),
    ]);
  });

  test('takes over from one that knows nothing of it, whom it does not avoid', async () => {
    const { world, fill } = setUp();
    world.owners.push('other', 'self');
    world.answers.push(gone);
    await expect(fill.open(0, never)).rejects.toMatchObject(alone);
    expect([world.avoided, world.takes.length]).toEqual([[], 2]);
  });

  test('looks for another owner five times at most', async () => {
    const { world, fill } = setUp();
    world.owners.push(...Array.from({ length: 9 }, (_, n) => `other${n}`));
    await expect(fill.open(0, never)).rejects.toMatchObject(alone);
    expect(world.takes).toHaveLength(5);
  });

  test('does not believe one that ends before it has said anything, or says nonsense', async () => {
    for (const answer of [[], [bytes('x')], [said({ size: 'x' })]]) {
      const { world, fill } = setUp();
      world.owners.push('other', 'self');
      world.answers.push(answer);
      await expect(fill.open(0, never)).rejects.toMatchObject(alone);
      expect([world.avoided, world.closed]).toEqual([['other'], 1]);
    }
  });

  test('is told of a fault of ours as such', async () => {
    const { world, fill } = setUp();
    world.owners.push('other');
    world.answers.push(new TypeError('ours'));
    await expect(fill.open(0, never)).rejects.toThrow('ours');
  });

  test('is told where bytes end before all of them', async () => {
    const { world, fill } = setUp();
    world.owners.push('other');
    world.answers.push([said({ size: 9 }), bytes('some'), said({})]);
    await expect(read(fill)).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'ended without all bytes',
    });
  });

  test.each([
    ['at first', (answer: object) => [said(answer)]],
    ['in the middle', (answer: object) => [said({ size: 9 }), bytes('some'), said(answer)]],
  ])('fails as the one that fetches, where its sources are the same, %s', async (_, frames) => {
    const { world, fill } = setUp();
    world.owners.push('other');
    world.answers.push(frames({ failure, sources: sources.toReversed() }));
    const error: unknown = await read(fill).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OciError);
    expect(error).toMatchObject(failure);
  });

  test.each([
    ['fewer', [source]],
    ['others', [source, { ...source, repository: 'library/other' }]],
    ['those of other upstreams', [source, { ...source, upstreamId: 3 }]],
    ['none', undefined],
  ])('does better by itself where the one that fails had %s', async (_, theirs) => {
    const { world, fill } = setUp();
    world.owners.push('other');
    world.answers.push([said({ size: 9 }), bytes('some'), said({ failure, sources: theirs })]);
    await expect(read(fill)).rejects.toMatchObject({
      kind: 'not-found',
      message: 'could not get it from its sources',
    });
  });
});

describe('leases', () => {
  function sharing(areThere = true) {
    const renewed: unknown[] = [];
    const leases = new FillSharing({
      records: {
        take: async (key: string) => ({ lease: { ...leaseOf('self'), key }, isTaken: true }),
        release: async () => undefined,
        renew: async (...asked: unknown[]) => void renewed.push(asked),
      } as never,
      client: { ask: () => Promise.reject(gone) },
      peers: { areThere, self, avoid: () => undefined },
      log: silentLog,
      leaseMs: 3000,
    });
    return { leases, renewed };
  }

  test('are renewed three times in their time as long as fills go on', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { leases, renewed } = sharing();
      leases.start();
      await vi.advanceTimersByTimeAsync(1000);
      expect(renewed).toEqual([]);
      const fills = ['a', 'b'].map((key) => leases.share({ key, sources }, async () => false));
      for (const fill of fills) await fill?.open(0, never).catch(() => undefined);
      await vi.advanceTimersByTimeAsync(999);
      expect(renewed).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(renewed).toEqual([['self', ['a', 'b'], 3000]]);
      await fills[0]?.leave();
      await vi.advanceTimersByTimeAsync(1000);
      expect(renewed[1]).toEqual(['self', ['b'], 3000]);
      await leases.close();
      await vi.advanceTimersByTimeAsync(5000);
      expect(renewed).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });

  test('are none where there is no other process', () => {
    expect(sharing(false).leases.share({ key: 'a', sources }, async () => false)).toBeUndefined();
  });
});
