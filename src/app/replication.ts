/** Replication: rules that copy tags to other registries, or from them. */
import { setTimeout } from 'node:timers/promises';
import type { SecretBox } from '../auth/credentials/secret-box.ts';
import { ToldBeliefs } from '../cache/told-beliefs.ts';
import { UpstreamTokens } from '../cache/upstream-tokens.ts';
import type { Config } from '../config/config.ts';
import { version } from '../config/version.ts';
import { UpstreamSecrets } from '../management/registries/upstream-settings.ts';
import { registryOf, replicatorOf } from '../management/replication/replication-rights.ts';
import { replicationAgent } from '../metadata/replication/replicate-events.ts';
import type { Log } from '../observe/log.ts';
import { unwatched } from '../proxy/fill-observer.ts';
import { type ReplicationObserver, ReplicationTask } from '../replication/replication-task.ts';
import { unobserved } from '../upstreams/upstream-observer.ts';
import type { HostedRegistry } from './hosted-registry.ts';
import type { Outbound } from './outbound.ts';
import type { Storage } from './storage.ts';
import { upstreamOptions } from './upstream-options.ts';

export interface ReplicationParts {
  readonly config: Config;
  readonly storage: Pick<Storage, 'database' | 'store'>;
  readonly outbound: Outbound;
  readonly secretBox: SecretBox;
  readonly hosted: Pick<HostedRegistry, 'repositories'>;
  readonly metrics: { readonly replication: ReplicationObserver };
  readonly log: Log;
  readonly now: () => number;
}

export function createReplication({
  config,
  storage,
  outbound,
  secretBox,
  hosted,
  metrics,
  log,
  now,
}: ReplicationParts) {
  const { database, store } = storage;
  const secrets = new UpstreamSecrets(secretBox);
  // What is learnt of another registry is learnt by the one process that speaks to it.
  const shared = new ToldBeliefs({ records: undefined, hasOthers: () => false, log, now });
  const pause = async (ms: number, signal: AbortSignal) => {
    await setTimeout(ms, undefined, { signal });
  };
  const task = new ReplicationTask({
    database,
    limits: config.hosted,
    observer: metrics.replication,
    log,
    now,
    places: {
      database,
      repositories: hosted.repositories,
      destination: { records: database, store, spoolFile: undefined },
      settingsOf: (rule) => registryOf(secrets, rule),
      writerOf: (rule) => replicatorOf(database, rule),
      tools: { log, pause, observer: unwatched },
      upstreams: {
        ...upstreamOptions(config, outbound),
        userAgent: `entrepot/${version} ${replicationAgent}`,
        observer: unobserved,
        tokens: new UpstreamTokens(now),
        shared,
        log,
        now,
      },
    },
  });
  return { tasks: [task], close: () => shared.close() };
}
