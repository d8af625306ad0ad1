import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import type { BlobAnswer } from '../../../src/oci/repository.ts';
import { fillingBlob, uncachedBlob } from '../../../src/proxy/blob-answers.ts';
import { Fills, type FillTools } from '../../../src/proxy/fills.ts';
import type { Source } from '../../../src/proxy/source.ts';
import { SpoolError } from '../../../src/storage/blob-store.ts';
import { BufferBudget } from '../../../src/storage/chunk-reader.ts';
import { blobUpstream } from '../../support/blob-upstream.ts';
import { eventually } from '../../support/eventually.ts';
import { MemorySpool } from '../../support/memory-spool.ts';
import { silentLog } from '../../support/silent-log.ts';

const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919) % 251));
const digest = digestOf(bytes);
const blobs = new Map([[digest, bytes]]);
const forever = new AbortController().signal;

function setUp(spool: () => MemorySpool) {
  const finished: string[] = [];
  const published: (readonly Source[])[] = [];
  const tools: FillTools = {
    log: silentLog,
    buffers: new BufferBudget(),
    observer: {
      started: () => undefined,
      followed: () => undefined,
      resumed: () => undefined,
      spooled: () => undefined,
      finished: (result) => finished.push(result),
    },
    pause: async () => undefined,
    createSpool: async () => spool(),
    demandRoom: async () => undefined,
    publish: async (_blob, _spool, sources) => void published.push(sources),
  };
  return { tools, fills: new Fills(tools), finished, published };
}

async function read(answer: BlobAnswer, start = 0, end?: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer.read(start, end, forever)) chunks.push(Buffer.from(chunk));
  await answer.close();
  return Buffer.concat(chunks);
}

async function pull(
  { tools, fills }: ReturnType<typeof setUp>,
  sources: readonly Source[],
): Promise<BlobAnswer> {
  const joined = await fills.join(digest, sources, undefined, fills.moment);
  if (joined === 'look-again') throw new Error('the blob was stored meanwhile');
  if (joined === 'uncached') return uncachedBlob(digest, bytes.length, sources, tools);
  return fillingBlob('miss', joined.fill, sources, tools);
}

describe('a fill', () => {
  test('is one download for all who join, and is published once', async () => {
    const house = setUp(() => new MemorySpool());
    const { source, asked } = blobUpstream({ blobs });
    const answers = await Promise.all([1, 2, 3].map(() => pull(house, [source])));
    for (const body of await Promise.all(answers.map((answer) => read(answer))))
      expect(body.equals(bytes)).toBe(true);
    expect(asked).toEqual([0]);
    await eventually(() => expect(house.finished).toEqual(['completed']));
    expect(house.published).toHaveLength(1);
  });

  test('that ends while somebody looks for the blob in the store sends them to look again', async () => {
    const house = setUp(() => new MemorySpool());
    const { source, asked } = blobUpstream({ blobs });
    const since = house.fills.moment;
    await read(await pull(house, [source]));
    await eventually(() => expect(house.finished).toEqual(['completed']));
    expect(await house.fills.join(digest, [source], undefined, since)).toBe('look-again');
    expect(asked).toEqual([0]);
  });

  test('that cannot be spooled from the start passes the blob on to each client', async () => {
    const house = setUp(() => {
      throw new SpoolError('no space left on device');
    });
    const { source } = blobUpstream({ blobs });
    expect((await read(await pull(house, [source]))).equals(bytes)).toBe(true);
    expect(house.finished).toEqual(['uncached']);
  });

  test('whose disk fills up midway goes on uncached, verified to the last byte', async () => {
    const house = setUp(() => new MemorySpool(70_000));
    const { source, asked } = blobUpstream({ blobs });
    const answers = await Promise.all([1, 2].map(() => pull(house, [source])));
    for (const body of await Promise.all(answers.map((answer) => read(answer))))
      expect(body.equals(bytes)).toBe(true);
    expect(asked).toEqual([0, 70_000, 70_000]);
    expect(house.finished).toEqual(['uncached']);
    expect(house.published).toEqual([]);
  });

  test('whose disk fills up midway still completes no client with wrong bytes', async () => {
    const wrong = Buffer.from(bytes);
    wrong.writeUInt8(wrong.readUInt8(150_000) ^ 1, 150_000);
    const house = setUp(() => new MemorySpool(70_000));
    const { source } = blobUpstream({ blobs: new Map([[digest, wrong]]) });
    await expect(read(await pull(house, [source]))).rejects.toThrow(/in place of/);
  });

  test('gives a part of the blob while the disk is full', async () => {
    const house = setUp(() => new MemorySpool(70_000));
    const { source } = blobUpstream({ blobs });
    const part = await read(await pull(house, [source]), 60_000, 160_000);
    expect(part.equals(bytes.subarray(60_000, 160_000))).toBe(true);
  });

  test('is resumed where it broke off, five times and not a sixth', async () => {
    const house = setUp(() => new MemorySpool());
    const five = blobUpstream({ blobs, breaks: [20_000, 20_000, 20_000, 20_000, 20_000] });
    expect((await read(await pull(house, [five.source]))).equals(bytes)).toBe(true);
    expect(five.asked).toEqual([0, 20_000, 40_000, 60_000, 80_000, 100_000]);

    const other = setUp(() => new MemorySpool());
    const six = blobUpstream({ blobs, breaks: Array(6).fill(20_000) });
    await expect(read(await pull(other, [six.source]))).rejects.toThrow(/broke off/);
    await eventually(() => expect(other.finished).toEqual(['failed']));
  });

  test('is not started for who has left already', async () => {
    const { fills } = setUp(() => new MemorySpool());
    const { source, asked } = blobUpstream({ blobs });
    const left = AbortSignal.abort(new Error('left'));
    await expect(fills.join(digest, [source], undefined, fills.moment, left)).rejects.toThrow('left');
    await fills.close(forever);
    expect(asked).toEqual([]);
  });

  test('of one origin is not followed by another origin’s upstream', async () => {
    const house = setUp(() => new MemorySpool());
    const ours = blobUpstream({ blobs });
    const theirs = blobUpstream({ blobs, id: 2, url: 'https://elsewhere.test' });
    await Promise.all([ours, theirs].map(async ({ source }) => read(await pull(house, [source]))));
    expect(ours.asked).toEqual([0]);
    expect(theirs.asked).toEqual([0]);
  });

  test('is followed from another repository of the same origin after one HEAD, and linked there', async () => {
    const house = setUp(() => new MemorySpool());
    const first = blobUpstream({ blobs });
    const second = blobUpstream({ blobs, id: 2 });
    await Promise.all([first, second].map(async ({ source }) => read(await pull(house, [source]))));
    expect(first.asked).toEqual([0]);
    expect(second.asked).toEqual([-1]);
    await eventually(() =>
      expect(house.published[0]?.map(({ upstream }) => upstream.settings.id)).toEqual([1, 2]),
    );
  });
});
