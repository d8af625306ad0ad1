import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import type { BlobAnswer, Outcome, ReadableRepository } from '../../../../src/oci/repository.ts';
import { bearer, errorsOf, lasting, RegistryServer, repositoryName } from './registry-server.ts';

const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
const size = bytes.length;
const digest = digestOf(bytes);
const path = `blobs/${digest}`;

/** A blob in chunks that are overwritten as soon as the next one is asked for. */
class FakeBlob {
  opened = 0;
  closed = 0;
  stats = 0;
  readonly #chunkBytes: number;
  readonly #outcome: Outcome;
  readonly #size: number | undefined;
  /** Throws at this position. */
  readonly #breaksAt: number;
  readonly #urlFor: BlobAnswer['urlFor'];

  constructor(
    options: {
      chunkBytes?: number;
      outcome?: Outcome;
      size?: number | undefined;
      breaksAt?: number;
      urlFor?: BlobAnswer['urlFor'];
    } = {},
  ) {
    this.#urlFor = options.urlFor;
    this.#chunkBytes = options.chunkBytes ?? 9973;
    this.#outcome = options.outcome ?? 'hit';
    this.#size = 'size' in options ? options.size : size;
    this.#breaksAt = options.breaksAt ?? Infinity;
  }

  readonly repository: Partial<ReadableRepository> = {
    blob: async () => {
      this.opened += 1;
      return this.#answer();
    },
    statBlob: async () => {
      this.stats += 1;
      return { digest, size: this.#size, outcome: this.#outcome };
    },
  };

  #answer(): BlobAnswer {
    return {
      digest,
      size: this.#size,
      outcome: this.#outcome,
      read: (start, end) => this.#read(start, end ?? size),
      close: async () => {
        this.closed += 1;
      },
      urlFor: this.#urlFor,
    };
  }

  async *#read(start: number, end: number): AsyncGenerator<Uint8Array, void, undefined> {
    const buffer = Buffer.alloc(this.#chunkBytes);
    for (let position = start; position < end; position += this.#chunkBytes) {
      if (position >= this.#breaksAt)
        throw new OciError('UNAVAILABLE', { status: 502, detail: 'the upstream broke off' });
      yield buffer.subarray(0, bytes.copy(buffer, 0, position, Math.min(end, position + this.#chunkBytes)));
      buffer.fill(255);
    }
  }
}

test('a blob comes whole, with the headers of HEAD, which opens nothing', async () => {
  const blob = new FakeBlob();
  await using server = await RegistryServer.start(blob.repository);
  const head = await server.head(path);
  expect(blob).toMatchObject({ opened: 0, stats: 1 });
  const answer = await server.get(path, { 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8' });
  expect(answer.body.equals(bytes)).toBe(true);
  expect(lasting(answer.headers)).toEqual({
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
    'cache-status': 'entrepot; hit',
    connection: 'close',
    'content-length': String(size),
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    'docker-distribution-api-version': 'registry/2.0',
    vary: 'Authorization',
    etag: `"${digest}"`,
  });
  expect(lasting(head.headers)).toEqual(lasting(answer.headers));
  expect(head.body).toHaveLength(0);
  expect(blob).toMatchObject({ opened: 1, closed: 1 });
  expect(server.pulls).toEqual(['blob hit', 'blob hit']);
  await expect
    .poll(() => server.served)
    .toEqual([
      ['hit', 0],
      ['hit', size],
    ]);
});

test.each([
  ['bytes=0-9', 0, 10],
  ['bytes=99990-', 99_990, 100_000],
  ['bytes=-5', 99_995, 100_000],
  ['bytes=50000-999999', 50_000, 100_000],
  ['bytes=0-', 0, 100_000],
])('%s is answered with these bytes and no others, HEAD alike', async (range, start, end) => {
  const blob = new FakeBlob();
  await using server = await RegistryServer.start(blob.repository);
  const answer = await server.get(path, { range });
  expect(answer.status).toBe(206);
  expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/${size}`);
  expect(answer.headers['content-length']).toBe(String(end - start));
  expect(answer.body.equals(bytes.subarray(start, end))).toBe(true);
  const head = await server.head(path, { range });
  expect(head.status).toBe(206);
  expect(lasting(head.headers)).toEqual(lasting(answer.headers));
  expect(blob).toMatchObject({ opened: 1, closed: 1 });
});

test('a range that does not exist is refused in OCI JSON, and the blob let go', async () => {
  const blob = new FakeBlob();
  await using server = await RegistryServer.start(blob.repository);
  const answer = await server.get(path, { range: 'bytes=100000-' });
  expect(answer.status).toBe(416);
  expect(answer.headers['content-range']).toBe(`bytes */${size}`);
  expect(answer.headers['content-type']).toBe('application/json');
  expect(errorsOf(answer)).toMatchObject([{ code: 'RANGE_INVALID', message: 'the blob has 100000 bytes' }]);
  const head = await server.head(path, { range: 'bytes=100000-' });
  expect(lasting(head.headers)).toEqual(lasting(answer.headers));
  expect(blob).toMatchObject({ opened: 1, closed: 1 });
});

test('several ranges come as parts, in the order asked', async () => {
  const blob = new FakeBlob({ chunkBytes: 3 });
  await using server = await RegistryServer.start(blob.repository);
  const answer = await server.get(path, { range: 'bytes=20-29,0-4,-6' });
  expect(answer.status).toBe(206);
  const boundary = /^multipart\/byteranges; boundary=([\w-]+)$/.exec(
    answer.headers['content-type'] ?? '',
  )?.[1];
  expect(answer.headers['content-range']).toBeUndefined();
  expect(answer.headers['content-length']).toBe(String(answer.body.length));
  const parts = answer.body.toString('latin1').split(`\r\n--${boundary}`);
  expect(parts.shift()).toBe('');
  expect(parts.pop()).toBe('--\r\n');
  const found = parts.map((part) => {
    const end = part.indexOf('\r\n\r\n');
    return { head: part.slice(0, end), body: part.slice(end + 4) };
  });
  const expected = [
    [20, 30],
    [0, 5],
    [99_994, 100_000],
  ].map(([start = 0, end = 0]) => ({
    head: `\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${start}-${end - 1}/${size}`,
    body: bytes.toString('latin1', start, end),
  }));
  expect(found).toEqual(expected);
});

test.each([
  ['an unknown unit', { range: 'items=0-9' }],
  ['a range nobody can read', { range: 'bytes=x-y' }],
  ['If-Range with another ETag', { range: 'bytes=0-9', 'if-range': '"other"' }],
  ['If-Range with a weak ETag', { range: 'bytes=0-9', 'if-range': `W/"${digest}"` }],
  ['If-Range with a date', { range: 'bytes=0-9', 'if-range': 'Wed, 21 Oct 2026 07:28:00 GMT' }],
])('%s is answered with the whole', async (_, headers) => {
  const blob = new FakeBlob();
  await using server = await RegistryServer.start(blob.repository);
  const answer = await server.get(path, headers);
  expect(answer.status).toBe(200);
  expect(answer.body.equals(bytes)).toBe(true);
});

test('If-Range with the ETag is answered with the range', async () => {
  const blob = new FakeBlob();
  await using server = await RegistryServer.start(blob.repository);
  const answer = await server.get(path, { range: 'bytes=0-9', 'if-range': `"${digest}"` });
  expect(answer.status).toBe(206);
});

test('If-None-Match is answered with 304 and no bytes', async () => {
  const blob = new FakeBlob();
  await using server = await RegistryServer.start(blob.repository);
  const answer = await server.get(path, { 'if-none-match': `"${digest}"` });
  expect(answer.status).toBe(304);
  expect(answer.body).toHaveLength(0);
  expect(blob).toMatchObject({ opened: 1, closed: 1 });
});

test('a blob of unknown size comes chunked and whole', async () => {
  const blob = new FakeBlob({ size: undefined, outcome: 'miss' });
  await using server = await RegistryServer.start(blob.repository);
  const answer = await server.get(path, { range: 'bytes=0-9' });
  expect(answer.status).toBe(200);
  expect(answer.headers['content-length']).toBeUndefined();
  expect(answer.headers['transfer-encoding']).toBe('chunked');
  expect(answer.headers['accept-ranges']).toBeUndefined();
  expect(answer.body.equals(bytes)).toBe(true);
});

describe('a blob that breaks off', () => {
  test.each([
    ['of known size', size],
    ['of unknown size', undefined],
  ])('%s midway leaves the client with a body that is visibly short', async (_, said) => {
    const blob = new FakeBlob({ breaksAt: 50_000, size: said });
    await using server = await RegistryServer.start(blob.repository);
    const answer = await server.get(path);
    expect(answer.status).toBe(200);
    expect(answer.isComplete).toBe(false);
    expect(blob.closed).toBe(1);
    expect(server.log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'an answer broke off' }),
    );
  });

  test('before its first byte is answered with the error, and with nothing of the blob', async () => {
    const blob = new FakeBlob({ breaksAt: 0 });
    await using server = await RegistryServer.start(blob.repository);
    const answer = await server.get(path, { range: 'bytes=5-9' });
    expect(answer.status).toBe(502);
    expect(errorsOf(answer)).toMatchObject([{ code: 'UNAVAILABLE', message: 'the upstream broke off' }]);
    for (const header of [
      'etag',
      'docker-content-digest',
      'accept-ranges',
      'content-range',
      'cache-control',
    ]) {
      expect(answer.headers[header]).toBeUndefined();
    }
  });

  test('because it is not as long as it said is not completed', async () => {
    const blob = new FakeBlob({ size: size + 1 });
    await using server = await RegistryServer.start(blob.repository);
    expect((await server.get(path)).isComplete).toBe(false);
    const longer = new FakeBlob({ size: size - 1 });
    await using other = await RegistryServer.start(longer.repository);
    expect((await other.get(path)).isComplete).toBe(false);
  });
});

describe('a client', () => {
  const sockets: { destroy(): void }[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  /** Asks for a blob without end, and reads what it is told to. */
  function endless() {
    const seen = { aborted: false, isOver: false, closed: 0, chunks: 0 };
    const chunk = Buffer.alloc(1024 * 1024);
    const repository: Partial<ReadableRepository> = {
      blob: async () => ({
        digest,
        size: undefined,
        outcome: 'miss',
        async *read(_start, _end, signal) {
          signal.addEventListener('abort', () => {
            seen.aborted = true;
          });
          try {
            for (;;) {
              seen.chunks += 1;
              yield chunk;
            }
          } finally {
            seen.isOver = true;
          }
        },
        close: async () => {
          seen.closed += 1;
        },
      }),
    };
    return { seen, repository };
  }

  function ask(server: RegistryServer) {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write(`GET /v2/${repositoryName}/${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer}\r\n\r\n`);
    return socket;
  }

  test('that leaves ends the reading, and is no error', async () => {
    const { seen, repository } = endless();
    await using server = await RegistryServer.start(repository);
    const socket = ask(server);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    await expect.poll(() => seen).toMatchObject({ aborted: true, isOver: true, closed: 1 });
    await expect.poll(() => server.log.lines).toHaveLength(1);
    expect(server.log.lines[0]).toMatchObject({ level: 'info', fields: { status: 200, incomplete: true } });
  });

  test('that stops taking bytes is not read ahead for, and is let go in the end', async () => {
    const { seen, repository } = endless();
    await using server = await RegistryServer.start(repository, { stalledMs: 200 });
    ask(server).pause();
    await expect.poll(() => seen.closed).toBe(1);
    expect(seen.aborted).toBe(true);
    expect(seen.chunks).toBeLessThan(64);
  });

  test('that waits for bytes longer than it may stall is not let go', async () => {
    const blob = new FakeBlob();
    const slow: Partial<ReadableRepository> = {
      blob: async () => ({
        digest,
        size: 2,
        outcome: 'miss',
        async *read() {
          yield bytes.subarray(0, 1);
          await new Promise((resolve) => setTimeout(resolve, 150));
          yield bytes.subarray(1, 2);
        },
        close: async () => undefined,
      }),
    };
    await using server = await RegistryServer.start({ ...blob.repository, ...slow }, { stalledMs: 30 });
    const answer = await server.get(path);
    expect(answer.body.equals(bytes.subarray(0, 2))).toBe(true);
  });
});

describe('a blob that clients get elsewhere', () => {
  const url = 'https://bucket.example/v1/ab/key?X-Signature=secret';
  const clients: (string | undefined)[] = [];
  const elsewhere = () => {
    clients.length = 0;
    return new FakeBlob({
      urlFor: async (client) => {
        clients.push(client);
        return url;
      },
    });
  };

  test.each([{}, { range: 'bytes=10-19' }])(
    'is redirected to, for this client, and read from nowhere: %j',
    async (asked) => {
      const blob = elsewhere();
      await using server = await RegistryServer.start(blob.repository);
      const answer = await server.get(path, asked);
      expect([answer.status, String(answer.body)]).toEqual([307, '']);
      expect(lasting(answer.headers)).toMatchObject({
        location: url,
        'cache-control': 'private, no-store',
        'docker-content-digest': digest,
        'content-length': '0',
      });
      for (const name of ['etag', 'content-range']) expect(answer.headers).not.toHaveProperty(name);
      expect(clients).toEqual(['127.0.0.1']);
      expect(blob.closed).toBe(1);
      expect(server.pulls).toEqual(['blob hit']);
    },
  );

  test('is answered here to HEAD, to those who have it, and for ranges that the storage would send otherwise', async () => {
    await using server = await RegistryServer.start(elsewhere().repository);
    expect((await server.head(path)).status).toBe(200);
    expect((await server.get(path, { 'if-none-match': `"${digest}"` })).status).toBe(304);
    expect((await server.get(path, { range: 'bytes=0-1,5-6' })).status).toBe(206);
    expect((await server.get(path, { range: 'bytes=0-1', 'if-range': `"${digest}"` })).status).toBe(206);
    expect((await server.get(path, { range: `bytes=${size}-` })).status).toBe(416);
    expect(clients).toEqual([]);
  });

  test('is sent from here where there is no URL for this client', async () => {
    const blob = new FakeBlob({ urlFor: async () => undefined });
    await using server = await RegistryServer.start(blob.repository);
    const answer = await server.get(path);
    expect([answer.status, answer.body.equals(bytes)]).toEqual([200, true]);
  });

  test('is sent from here where the name of its repository is not to be redirected', async () => {
    const asked: string[] = [];
    const mayRedirect = (name: string) => asked.push(name) < 0;
    await using server = await RegistryServer.start(elsewhere().repository, { mayRedirect });
    expect((await server.get(path)).status).toBe(200);
    expect(asked).toEqual([repositoryName]);
    expect(clients).toEqual([]);
  });
});
