/**
 * Many replicas in one process, with the fills and the leases of the server as they are, over a network and an upstream that are played:
 * what a cold blob costs that all clients want at the same time, while replicas die.
 *
 *   node bench/cluster-simulation/run.ts [--replicas 100] [--clients 10000] [--blobs 20] [--deaths 2] [--hop-ms 1] [--seed 1] [--write]
 *
 * Of each blob one replica that fetches it dies at a random point with a chance of a half, and so many others besides. `--write` puts
 * the table into docs/performance.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { FillSharing } from '../../src/cluster/fill-sharing.ts';
import type { PeerAnswer } from '../../src/cluster/peer-client.ts';
import { openDatabase } from '../../src/metadata/db/database.ts';
import type { FillLeases } from '../../src/metadata/server/fill-leases.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { OutboundError } from '../../src/outbound/outbound-error.ts';
import { Fills } from '../../src/proxy/fills.ts';
import { PeerFill } from '../../src/proxy/shared/peer-fill.ts';
import { peerSourceOf } from '../../src/proxy/shared/share-fill.ts';
import type { Source } from '../../src/proxy/source.ts';
import { BufferBudget } from '../../src/storage/chunk-reader.ts';
import { seededBytes } from '../../test/support/fake-content.ts';
import { FakeUpstream } from '../../test/support/fake-upstream.ts';
import { MemorySpool } from '../../test/support/memory-spool.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { machine, markdownTable, writeSection } from '../performance-page.ts';
import { Line } from './line.ts';

const { values } = parseArgs({
  options: {
    replicas: { type: 'string', default: '100' },
    clients: { type: 'string', default: '10000' },
    blobs: { type: 'string', default: '20' },
    deaths: { type: 'string', default: '2' },
    'hop-ms': { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
});
const replicaCount = Number(values.replicas);
const hopMs = Number(values['hop-ms']);
const blobBytes = 128 * 1024;
const chunkBytes = 8 * 1024;
/** From chunk to chunk of the upstream's. */
const chunkMs = 100;
/** In which all clients come. */
const arrivalMs = 500;
const reachMs = 200;
const repository = parseRepositoryName('library/simulated');

const random = randomNumbers(Number(values.seed));
const database = await openDatabase({ url: undefined, file: ':memory:', log: silentLog, now: Date.now });
const upstream = new FakeUpstream({ id: 1, url: 'https://upstream.test' });
const source: Source = { groupId: 1, repository, upstream };
const stored = new Map<Digest, Buffer>();
const seen = { statements: 0, peerRequests: 0 };
const records = counting(database.fillLeases);
let replicas: Replica[] = [];
let born = 0;

interface Replica {
  readonly id: string;
  readonly fills: Fills;
  /** Given when it dies. */
  readonly life: AbortController;
}

/** What one blob has cost. */
interface Round {
  readonly gets: number;
  readonly fromZero: number;
  readonly statements: number;
  readonly peerRequests: number;
  readonly lost: number;
  readonly wrong: number;
  /** From a client's question to its first byte, without what the upstream takes to its own, in milliseconds. */
  readonly added: readonly number[];
}

const rounds: Round[] = [];
for (let blob = 0; blob < Number(values.blobs); blob += 1) {
  while (replicas.length < replicaCount) replicas.push(createReplica());
  rounds.push(await pullEverywhere(upstream.addBlob(seededBytes(blobBytes, blob))));
  replicas = replicas.filter(({ life }) => !life.signal.aborted);
}
await database.close();
const rows = table(rounds);
for (const row of rows) console.log(row.join('  '));
process.exitCode = rounds.every(({ wrong }) => wrong === 0) ? 0 : 1;
if (values.write) {
  const how = `${values.replicas} replicas in one process, with the fills and leases of the server over a played network of ${hopMs} ms a hop, ${values.clients} clients that come within ${arrivalMs} ms for each of ${values.blobs} cold blobs; with each blob ${values.deaths} replicas die, and with every other one that which fetches it. One thread plays all of them, so most of the time added is its own work; one that dies before its first byte leaves nothing to go on from. \`node bench/cluster-simulation/run.ts\``;
  writeSection(
    'simulation',
    `## Many replicas, simulated\n\n${how}\n\n${markdownTable(rows)}\n\n${machine()}`,
  );
}

function createReplica(): Replica {
  born += 1;
  const id = `replica ${born}`;
  const life = new AbortController();
  const address = `${id}:5002`;
  const peers = { self: { id, address }, areThere: true, avoid: () => undefined };
  const sharing = new FillSharing({ records, peers, log: silentLog, client: { ask } });
  const fills = new Fills({
    log: silentLog,
    buffers: new BufferBudget(),
    pause: async (ms, signal) => void (await sleep(ms, undefined, { signal })),
    observer: {
      started: () => undefined,
      followed: () => undefined,
      resumed: () => undefined,
      spooled: () => undefined,
      finished: () => undefined,
    },
    createSpool: async () => new MemorySpool(),
    demandRoom: async () => undefined,
    async publish({ digest, size }, spool, sources) {
      if (sources.length === 0 || life.signal.aborted) return;
      const bytes = Buffer.alloc(size);
      await spool.readAt(bytes, 0);
      stored.set(digest, bytes);
    },
    share(digest, sources) {
      const fill = { key: `https://upstream.test ${digest}`, sources: sources.map(peerSourceOf) };
      const shared = sharing.share(fill, async () => stored.has(digest));
      return shared && new PeerFill(shared, async () => readerOf(stored.get(digest)));
    },
  });
  return { id, fills, life };
}

/** Another replica, over the network that is played. */
async function ask(peer: { readonly id: string }, path: string): Promise<PeerAnswer> {
  seen.peerRequests += 1;
  const replica = replicas.find(({ id, life }) => id === peer.id && !life.signal.aborted);
  // Of a machine that is gone nobody says that it is.
  if (!replica) {
    await sleep(reachMs);
    throw new OutboundError('unavailable', 'did not answer');
  }
  await sleep(2 * hopMs);
  const query = new URL(path, 'http://peer').searchParams;
  const serve = replica.fills.serve(query.get('key') ?? '');
  if (!serve) throw new OutboundError('not-found', 'knows nothing of it');
  const line = new Line(replica.life.signal, hopMs);
  serve(Number(query.get('from')), line).then(
    () => line.end(),
    () => line.breakOff(),
  );
  return { frames: line.frames(), close: () => line.breakOff() };
}

async function pullEverywhere(digest: Digest): Promise<Round> {
  Object.assign(seen, { statements: 0, peerRequests: 0 });
  upstream.asked.length = 0;
  const bytes = upstream.blobs.get(digest) ?? Buffer.alloc(0);
  for (let body = 0; body < 10; body += 1)
    upstream.bodies.push(async function* (start, end) {
      for (let at = start; at < end; at += chunkBytes) {
        await sleep(chunkMs);
        yield bytes.subarray(at, Math.min(end, at + chunkBytes));
      }
    });
  const clients = Array.from({ length: Number(values.clients) }, async () => {
    await sleep(random() * arrivalMs);
    const replica = replicas[Math.floor(random() * replicas.length)];
    return replica && pullOne(replica, digest);
  });
  const killing = killSome(digest);
  const results = await Promise.all(clients);
  await killing;
  upstream.bodies.length = 0;
  const ranges = upstream.asked.map((question) => question.split(' ').at(-1));
  return {
    gets: ranges.length,
    fromZero: ranges.filter((range) => range === '0-').length,
    statements: seen.statements,
    peerRequests: seen.peerRequests,
    lost: results.filter((result) => result === 'lost').length,
    wrong: results.filter((result) => result === 'wrong').length,
    added: results.flatMap((result) => (typeof result === 'number' ? [result] : [])),
  };
}

/** How long its first byte took; 'lost' where its replica died. */
async function pullOne({ fills, life }: Replica, digest: Digest): Promise<number | 'lost' | 'wrong'> {
  const startedAt = performance.now();
  const chunks: Buffer[] = [];
  let firstMs = 0;
  try {
    const joined = await fills.join(digest, [source], blobBytes, fills.moment);
    if (joined === 'look-again') return performance.now() - startedAt;
    if (joined === 'uncached') return 'wrong';
    for await (const chunk of joined.fill.read(0, undefined, noRest, life.signal)) {
      if (chunks.length === 0) firstMs = performance.now() - startedAt;
      chunks.push(Buffer.from(chunk));
    }
    await joined.fill.release();
  } catch {
    return life.signal.aborted ? 'lost' : 'wrong';
  }
  // What the upstream itself takes to its first bytes that are not held back.
  return digestOf(Buffer.concat(chunks)) === digest ? Math.max(0, firstMs - chunkMs) : 'wrong';
}

/** Some replicas at random points of the download, and with every other blob that which fetches it. */
async function killSome(digest: Digest): Promise<void> {
  const lastsMs = (blobBytes / chunkBytes) * chunkMs;
  await sleep(random() * lastsMs);
  for (let count = 0; count < Number(values.deaths); count += 1)
    replicas[Math.floor(random() * replicas.length)]?.life.abort(new Error('it died'));
  if (random() < 0.5) return;
  const key = `https://upstream.test ${digest}`;
  const found = await database.fillLeases.take(key, { owner: 'nobody', address: 'nowhere:1' }, 1);
  if (found?.isTaken) await database.fillLeases.release(found.lease);
  else replicas.find(({ id }) => id === found?.lease.owner)?.life.abort(new Error('it died'));
}

function table(all: readonly Round[]): string[][] {
  const sum = (of: (round: Round) => number) => all.reduce((total, round) => total + of(round), 0);
  const per = (of: (round: Round) => number) => (sum(of) / all.length).toFixed(2);
  const added = all.flatMap((round) => round.added).toSorted((a, b) => a - b);
  const at = (share: number) =>
    `${(added[Math.floor(share * (added.length - 1))] ?? Number.NaN).toFixed(0)} ms`;
  return [
    ['what', 'measured'],
    ['GETs of the upstream per cold blob', per(({ gets }) => gets)],
    ['of them from zero', per(({ fromZero }) => fromZero)],
    ['most GETs of one blob', String(Math.max(...all.map(({ gets }) => gets)))],
    ['statements of leases per cold blob', per(({ statements }) => statements)],
    ['requests between replicas per cold blob', per(({ peerRequests }) => peerRequests)],
    ['added to the first byte: median, p99, most', [at(0.5), at(0.99), at(1)].join(', ')],
    ['clients that had all of it', String(added.length)],
    ['clients whose own replica died', String(sum(({ lost }) => lost))],
    ['clients that had something else, or nothing', String(sum(({ wrong }) => wrong))],
  ];
}

/** The same records, whose statements are counted. */
function counting(of: FillLeases): FillLeases {
  return new Proxy(of, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        seen.statements += 1;
        return Reflect.apply(value, target, given);
      };
    },
  });
}

function readerOf(bytes: Buffer | undefined) {
  return (
    bytes && {
      size: bytes.length,
      readAt: async (buffer: Uint8Array, position: number) => bytes.copy(buffer, 0, position),
      close: async () => undefined,
    }
  );
}

function noRest(): never {
  throw new Error('the spool is over');
}

/** From 0 up to 1, the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
