/** One of several processes that share their fills, within one process of tests: with fills, an address and a list of its own. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createCluster } from '../../src/app/cluster.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { Fills, type FillTools } from '../../src/proxy/fills.ts';
import { PeerFill } from '../../src/proxy/shared/peer-fill.ts';
import { peerSourceOf } from '../../src/proxy/shared/share-fill.ts';
import type { Source } from '../../src/proxy/source.ts';
import type { BlobReader } from '../../src/storage/blob-store.ts';
import { BufferBudget } from '../../src/storage/chunk-reader.ts';
import type { Upstream } from '../../src/upstreams/upstream.ts';
import { MemorySpool } from './memory-spool.ts';
import { silentLog } from './silent-log.ts';

export interface MemberOptions {
  readonly database: Database;
  /** What all members have stored. */
  readonly stored: Map<Digest, Buffer>;
  readonly key?: Buffer;
  readonly reachMs?: number;
  /** What it finds by the numbers of others' questions. */
  readonly upstreams?: ReadonlyMap<number, Upstream>;
  readonly tools?: Partial<FillTools>;
}

const never = new AbortController().signal;
let members = 0;

export async function startMember({
  database,
  stored,
  key = Buffer.alloc(32, 1),
  reachMs = 60_000,
  upstreams = new Map(),
  tools,
}: MemberOptions) {
  members += 1;
  const id = `member ${members}`;
  const server = createServer();
  const address = await listen(server);
  const self = { id, name: id, version: '1', address, startedAt: members };
  await database.processes.beat(self);
  const config = { cluster: { address, advertisedAddress: undefined, reachMs } };
  const cluster = createCluster({ config, key, id, address, database, log: silentLog });
  const published: { readonly digest: Digest; readonly sources: readonly Source[] }[] = [];
  const spools: MemorySpool[] = [];
  const fills = new Fills({
    log: silentLog,
    buffers: new BufferBudget(),
    pause: async () => undefined,
    observer: {
      started: () => undefined,
      followed: () => undefined,
      resumed: () => undefined,
      spooled: () => undefined,
      finished: () => undefined,
    },
    async createSpool() {
      const spool = new MemorySpool();
      spools.push(spool);
      return spool;
    },
    demandRoom: async () => undefined,
    async publish({ digest, size }, spool, sources) {
      if (sources.length === 0) return;
      published.push({ digest, sources: [...sources] });
      const bytes = Buffer.alloc(size);
      await spool.readAt(bytes, 0);
      stored.set(digest, bytes);
    },
    share: (digest, sources) => {
      const [first] = sources.map(peerSourceOf);
      const fill = { key: `${first?.origin} ${digest}`, sources: sources.map(peerSourceOf) };
      const shared = cluster.sharing.share(fill, async () => stored.has(digest));
      return shared && new PeerFill(shared, async () => readerOf(stored.get(digest)));
    },
    ...tools,
  });
  const requests = { questions: 0 };
  const handler = cluster.handlerOf(
    fills,
    async (upstreamId) => upstreams.get(upstreamId),
    () => [],
  );
  server.on('request', (request, response) => {
    if (request.url?.startsWith('/-/questions')) requests.questions += 1;
    handler(request, response);
  });
  await cluster.start();
  const stop = async () => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(async () => {
    await fills.close(AbortSignal.abort());
    await cluster.close();
    await stop();
  });
  return {
    id,
    address,
    fills,
    published,
    spools,
    cluster,
    /** Of other members, that came to it. */
    requests,
    /** At once, as a process that is killed: what it had begun goes on, but nobody hears of it. */
    die: stop,
    /** Whole, as a client reads it. */
    async pull(digest: Digest, sources: readonly Source[], size?: number): Promise<string> {
      const joined = await fills.join(digest, sources, size, fills.moment);
      if (typeof joined === 'string') return joined;
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of joined.fill.read(0, undefined, noRest, never))
          chunks.push(Buffer.from(chunk));
      } finally {
        await joined.fill.release();
      }
      return digestOf(Buffer.concat(chunks)) === digest
        ? joined.isFollower
          ? 'followed'
          : 'fetched'
        : 'wrong';
    },
  };
}

export type Member = Awaited<ReturnType<typeof startMember>>;

function noRest(): never {
  throw new Error('the spool is over');
}

function readerOf(bytes: Buffer | undefined): BlobReader | undefined {
  return (
    bytes && {
      size: bytes.length,
      readAt: async (buffer, position) => bytes.copy(buffer, 0, position),
      close: async () => undefined,
    }
  );
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}
