/** Listens first, so that nothing is made by a server that could not be reached, and answers "starting" until it is all there. */
import type { RequestListener } from 'node:http';
import { redirectToHttps } from '../api/server/https-redirect.ts';
import { Listener } from '../api/server/server.ts';
import { answerStarting } from '../api/server/starting.ts';
import type { Config } from '../config/config.ts';
import type { FirstStart } from '../management/people/first-start.ts';
import type { Log } from '../observe/log.ts';
import { type App, createApp } from './app.ts';
import { addressForOthers } from './cluster.ts';
import { connectionLimits, findFileLimit } from './connection-limits.ts';
import { readTrustedKeys } from './delegated-tokens.ts';
import type { Secrets } from './secrets.ts';
import { CannotListen, settled } from './start-failure.ts';
import type { Worker } from './workers/worker.ts';

export interface StartOptions {
  readonly config: Config;
  readonly readSecrets: () => Promise<Secrets>;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Shows what must be shown once, of a server that listens at this URL. */
  readonly announce: (first: FirstStart, url: string) => Promise<void>;
  /** Undefined: it is alone. */
  readonly worker?: Worker | undefined;
}

export interface RunningServer {
  readonly url: string;
  readonly operationsUrl: string | undefined;
  /** Of mirrors with an address of their own, in their order. */
  readonly mirrorUrls: readonly string[];
  /** Stops accepting, lets transfers end up to the limit, records what was counted. */
  close(): Promise<void>;
}

const loopback = '127.0.0.1:0';

/** Once it is ready. @throws StartFaults, and what {@link createApp} throws */
export async function startServer({
  config,
  readSecrets,
  log,
  now,
  announce,
  worker,
}: StartOptions): Promise<RunningServer> {
  const { http, operations, cluster } = config;
  const { shutdownMs, tls: files } = http;
  const { certificate, key } = files;
  const tls = certificate !== undefined && key !== undefined ? { certificate, key } : undefined;
  const limits = connectionLimits(shareOf(http, worker?.count ?? 1), await findFileLimit(), log);
  // Workers reach each other whatever is said of other machines, each at a port of its own.
  const clusterAddress = worker ? withAnyPort(cluster.address ?? loopback) : cluster.address;
  const listeners: Listener[] = [];
  /** Other processes follow what is fetched until it is. */
  const peerListeners: Listener[] = [];
  const ready: { app?: App } = {};
  /** Other processes are answered before clients are: processes that start at the same time tell each other. */
  const made: { app?: App } = {};
  const listen = async (
    part: 'http' | 'http.redirect' | 'operations' | 'mirrors' | 'cluster',
    address: string,
    handlerOf: (app: App) => RequestListener | undefined,
  ): Promise<string> => {
    const starting = answerStarting(log);
    let answer: RequestListener | undefined;
    const handler: RequestListener = (request, response) => {
      const { app } = part === 'cluster' ? made : ready;
      answer ??= app && handlerOf(app);
      (answer ?? starting)(request, response);
    };
    try {
      const isForClients = part === 'http' || part === 'mirrors';
      const encryption = isForClients ? tls : undefined;
      const connections =
        part === 'operations' ? limits.operations : part === 'cluster' ? undefined : limits.http;
      const listener = await Listener.open({
        address,
        handler,
        tls: encryption,
        shutdownMs,
        log,
        connections,
        isOwn: part === 'cluster',
      });
      (part === 'cluster' ? peerListeners : listeners).push(listener);
      return listener.url;
    } catch (cause) {
      throw new CannotListen(
        part === 'mirrors' || part === 'http.redirect' ? part : `${part}.address`,
        address,
        cause,
      );
    }
  };
  const listenAsMirror = (mirror: Config['mirrors'][number]) =>
    mirror.address === undefined
      ? []
      : listen('mirrors', mirror.address, (app) => app.mirrorHandlerOf(mirror));
  const listenToRedirect = () => {
    const { redirect, externalUrl } = http;
    if (redirect === undefined || externalUrl === undefined) return undefined;
    return listen('http.redirect', redirect, () => redirectToHttps(externalUrl));
  };
  const stop = (those: readonly Listener[]) => Promise.all(those.map((listener) => listener.close()));
  try {
    const listenToAll = () =>
      settled([
        listen('http', http.address, ({ handler }) => handler),
        operations.address && listen('operations', operations.address, (app) => app.operationsHandler),
        settled(config.mirrors.flatMap(listenAsMirror)),
        listenToRedirect(),
      ]);
    // Beside others, who answer meanwhile, only who is ready is given connections.
    const isAlone = worker?.isFirst !== false;
    const [early, clusterUrl, secrets] = await settled([
      isAlone ? listenToAll() : undefined,
      clusterAddress && listen('cluster', clusterAddress, (app) => app.clusterHandler),
      readSecrets(),
      readTrustedKeys(config),
    ]);
    const address =
      clusterUrl && addressForOthers(clusterUrl, cluster.advertisedAddress, worker !== undefined);
    const app = await createApp(config, secrets, log, now, address, worker);
    made.app = app;
    await app.start((first) => announce(first, early?.[0] ?? ''));
    ready.app = app;
    const [url, operationsUrl, mirrorUrls] = early ?? (await listenToAll());
    worker?.tellReady();
    const close = async () => {
      const limit = AbortSignal.timeout(shutdownMs);
      await stop(listeners);
      await app.close(limit);
      await stop(peerListeners);
    };
    let closing: Promise<void> | undefined;
    return {
      url,
      operationsUrl,
      mirrorUrls,
      close() {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await stop([...listeners, ...peerListeners]);
    await made.app
      ?.close(AbortSignal.abort())
      .catch((err: unknown) => log.warn({ err }, 'not all that was opened could be closed'));
    throw error;
  }
}

function withAnyPort(address: string): string {
  return address.replace(/\d+$/, '0');
}

/** Of one worker of so many, who are given connections in turn. */
function shareOf(http: Config['http'], workers: number): Config['http'] {
  return {
    ...http,
    maxConnections: Math.ceil(http.maxConnections / workers),
    maxConnectionsPerAddress: Math.ceil(http.maxConnectionsPerAddress / workers),
  };
}
