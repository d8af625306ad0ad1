import { expect, test } from 'vitest';
import { FrameError, frameHeader, maxSaidBytes, readFrames } from '../../../src/cluster/frames.ts';

/** The frames that are read where bytes come in chunks of this size, bytes joined. */
async function read(bytes: Buffer, chunkBytes: number): Promise<[string, string][]> {
  async function* chunks(): AsyncGenerator<Buffer, undefined, undefined> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
    return undefined;
  }
  const found: [string, string][] = [];
  for await (const { kind, bytes: part } of readFrames(chunks())) {
    const last = found.at(-1);
    const text = Buffer.from(part).toString();
    if (kind === 'bytes' && last?.[0] === 'bytes') last[1] += text;
    else found.push([kind, text]);
  }
  return found;
}

const frame = (kind: 'said' | 'bytes', text: string) =>
  Buffer.concat([frameHeader(kind, text.length), Buffer.from(text)]);
const beat = frameHeader('beat', 0);
const all = Buffer.concat([
  beat,
  frame('said', '{"size":7}'),
  frame('bytes', 'abc'),
  beat,
  frame('bytes', ''),
  frame('bytes', 'defg'),
  frame('said', '{}'),
  beat,
]);

test.each([1, 2, 3, 5, 7, 1000])(
  'frames are read in whatever chunks they come: of %i bytes',
  async (size) => {
    expect(await read(all, size)).toEqual([
      ['said', '{"size":7}'],
      ['bytes', 'abcdefg'],
      ['said', '{}'],
    ]);
  },
);

test('bytes are given as they come, before all of their frame has', async () => {
  const parts = [frameHeader('bytes', 6), Buffer.from('abc')];
  const chunks: AsyncIterator<Buffer, undefined> = {
    async next() {
      const value = parts.shift();
      return value ? { done: false, value } : new Promise(() => undefined);
    },
  };
  const { value } = await readFrames(chunks).next();
  expect(value).toMatchObject({ kind: 'bytes', bytes: Buffer.from('abc') });
});

test.each([
  ['an unknown kind', Buffer.from([9, 0, 0, 0, 0])],
  ['a beat with bytes', Buffer.from([0, 0, 0, 0, 1, 65])],
  ['an end within a header', Buffer.from([2, 0, 0])],
  ['an end within bytes', Buffer.concat([frameHeader('bytes', 4), Buffer.from('abc')])],
  ['an end within what is said', Buffer.concat([frameHeader('said', 4), Buffer.from('{')])],
  ['more said than anybody needs', frameHeader('said', maxSaidBytes + 1)],
])('%s is refused', async (_, bytes) => {
  await expect(read(bytes, 2)).rejects.toThrow(FrameError);
});
