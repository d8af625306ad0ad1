/** What those who run the server ask it: whether it is ready, what it has counted, and what it is doing. */
import Koa from 'koa';
import { debugRoutes } from '../api/operations/debug.ts';
import { operationsRoutes, probeRoutes } from '../api/operations/operations.ts';
import { type Check, Readiness } from '../api/operations/readiness.ts';
import type { SharedCache } from '../cache/shared.ts';
import type { Config } from '../config/config.ts';
import { blobDirectoryOf } from '../config/data-directory.ts';
import { version } from '../config/version.ts';
import type { Log } from '../observe/log.ts';
import { Profiler } from '../observe/profiler.ts';
import { readVariables } from '../observe/variables.ts';
import { UnavailableError } from '../oci/unavailable.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Storage } from './storage.ts';

export interface OperationsParts {
  readonly config: Config;
  readonly storage: Pick<Storage, 'database' | 'identity' | 'store' | 'space'>;
  readonly shared: SharedCache;
  readonly readOnlyReason: () => Promise<string | undefined>;
  readonly metrics: Metrics;
  /** Undefined: nobody may look into the process. */
  readonly debugToken: string | undefined;
  readonly log: Log;
  readonly now: () => number;
}

/** For an address of their own; the probes are on that of clients, too. */
export function createOperations({ config, metrics, debugToken, log, ...parts }: OperationsParts) {
  const readiness = new Readiness({ checks: createChecks({ ...parts, config }), log });
  metrics.checks.watch(() => readiness.results());
  metrics.server.watch({
    countProcesses: async () => (await parts.storage.database.processes.list()).length,
    certificates: {
      'http.tls.certificate': config.http.tls.certificate,
      'auth.certificate': config.auth.certificate,
      'auth.token_rootcertbundle': config.auth.tokenRootcertbundle,
    },
    directories: { data: config.dataDirectory, blobs: blobDirectoryOf(config) },
  });
  const probes = probeRoutes(readiness);
  const koa = new Koa();
  koa.on('error', (error: unknown) => log.error({ err: error }, 'the operations address failed'));
  koa.use(probes);
  koa.use(operationsRoutes({ metrics }));
  if (debugToken !== undefined)
    koa.use(
      debugRoutes({
        token: debugToken,
        readiness,
        readVariables: () => readVariables(version),
        profiler: new Profiler(),
        log,
      }),
    );
  return { probes, handler: koa.callback() };
}

const probeKey = 'write_probe';

/** What the server needs. */
function createChecks({
  storage: { database, identity, store, space },
  config,
  shared,
  readOnlyReason,
  now,
}: Omit<OperationsParts, 'metrics' | 'debugToken' | 'log'>): Readonly<Record<string, Check>> {
  return {
    database_read: { needed: 'serving', run: () => database.check() },
    storage_read: { needed: 'serving', run: () => identity.check() },
    database_write: {
      needed: 'storing',
      async run() {
        const reason = await readOnlyReason();
        if (reason !== undefined) throw new UnavailableError('read-only mode');
        // A row that is rolled back would not reach the disk.
        await database.instance.set(probeKey, String(now()));
      },
    },
    storage_write: {
      needed: 'storing',
      async run() {
        await space.demand(1);
        await store.check();
      },
    },
    ...(config.sharedCache.url !== undefined && {
      shared_cache: { needed: undefined, run: () => shared.check() },
    }),
  };
}
