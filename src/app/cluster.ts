/** What this process shares with the others of the installation while they are there: what it fetches. */
import type { RequestListener } from 'node:http';
import { networkInterfaces } from 'node:os';
import { createClusterHandler } from '../cluster/cluster-handler.ts';
import { ClusterSecret } from '../cluster/cluster-secret.ts';
import { FillSharing } from '../cluster/fill-sharing.ts';
import { PeerClient } from '../cluster/peer-client.ts';
import { Peers } from '../cluster/peers.ts';
import { listRunningFills, runningFillsPath, serveRunningFills } from '../cluster/running-fills.ts';
import { SharedUpstreams } from '../cluster/shared-upstreams.ts';
import type { Config } from '../config/config.ts';
import { version } from '../config/version.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import type { ToldFill } from '../proxy/fill-observer.ts';
import type { Fills } from '../proxy/fills.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { Tracing } from './tracing/tracing.ts';

export interface ClusterParts {
  readonly config: Pick<Config, 'cluster'>;
  /** The secret key. */
  readonly key: Uint8Array;
  /** Of this process, unlike all others. */
  readonly id: string;
  /** Where others reach it, as host:port. */
  readonly address: string;
  readonly database: Pick<Database, 'processes' | 'fillLeases'>;
  readonly log: Log;
  readonly tracing?: Tracing | undefined;
}

export function createCluster({ config, key, id, address, database, log, tracing }: ClusterParts) {
  const secret = new ClusterSecret(key);
  const { reachMs } = config.cluster;
  const untraced = new PeerClient({
    secret,
    reachMs,
    userAgent: `entrepot/${version}`,
    traceHeaders: tracing?.headers,
  });
  const client = tracing?.watch(untraced, { ask: 'ask process' }) ?? untraced;
  const peers = new Peers({
    self: { id, address },
    list: () => database.processes.list(),
    async tell(peer) {
      const { frames } = await client.ask(peer, '/-/processes');
      await frames.next();
    },
    log,
  });
  const sharing = new FillSharing({ records: database.fillLeases, client, peers, log });
  const upstreams = new SharedUpstreams({ client, peers, log });
  return {
    sharing,
    upstreams,
    /** Of all processes that answer. @param own those of this one */
    listFills: (own: readonly ToldFill[]) => listRunningFills(own, { client, peers, log }),
    /**
     * For other processes, which may ask from before {@link start} on.
     * @param findUpstream by its number; one that asks for itself
     * @param listOwn the fills that run here
     */
    handlerOf(
      fills: Pick<Fills, 'serve'>,
      findUpstream: (id: number) => Promise<Upstream | undefined>,
      listOwn: () => readonly ToldFill[],
    ): RequestListener {
      return createClusterHandler({
        self: id,
        secret,
        routes: {
          '/-/processes': () => () => peers.refresh(),
          [runningFillsPath]: () => serveRunningFills(listOwn()),
          '/-/questions': (query) => upstreams.serve(query, findUpstream),
          '/-/fills': (query) => {
            const serve = fills.serve(query.get('key') ?? '');
            const from = Number(query.get('from'));
            return serve && Number.isSafeInteger(from) && from >= 0
              ? (writer) => serve(from, writer)
              : undefined;
          },
        },
        log,
      });
    },
    /** Once this process is listed, and before it serves. */
    async start(): Promise<void> {
      sharing.start();
      await peers.start();
    },
    /** When nothing is fetched any more. */
    async close(): Promise<void> {
      await Promise.all([peers.close(), sharing.close()]);
      await client.close();
    },
  };
}

export type Cluster = ReturnType<typeof createCluster>;

/**
 * Where others reach what listens at an address, as host:port.
 * @param listening its URL, with the port that the system gave
 * @param advertised what an operator says
 * @param hasOwnPort whether the port is not the operator's, but what the system gave
 */
export function addressForOthers(
  listening: string,
  advertised: string | undefined,
  hasOwnPort = false,
): string {
  const { hostname, port } = new URL(listening);
  if (advertised !== undefined) return hasOwnPort ? advertised.replace(/\d+$/, port) : advertised;
  const isEvery = ['0.0.0.0', '[::]', 'localhost'].includes(hostname);
  return `${isEvery ? ownAddress() : hostname}:${port}`;
}

/** The first that is not this machine's alone. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const outward = all.filter(({ internal, scopeid }) => !internal && (scopeid ?? 0) === 0);
  const found = outward.find(({ family }) => family === 'IPv4') ?? outward[0];
  if (!found) return '127.0.0.1';
  return found.family === 'IPv4' ? found.address : `[${found.address}]`;
}
