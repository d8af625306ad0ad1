/**
 * `entrepot import`: brings the images of another registry, from its directory or bucket or over its API, beside a running server or without one. What is
 * here already is not fetched again, so that a run goes on where one before was ended.
 */
import { createBlobReads } from '../../app/blob-reads.ts';
import { configuredSettings } from '../../app/configured-settings.ts';
import { createHostedRegistry } from '../../app/hosted-registry.ts';
import { HotContent } from '../../cache/hot-content.ts';
import type { HostedRepositories } from '../../hosted/hosted-repositories.ts';
import { actorFor } from '../../management/people/users.ts';
import { ApplicationSettings } from '../../management/server/application-settings.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Writer } from '../../oci/repository.ts';
import { HostedDestination, type HostedDestinationOptions } from '../../replication/hosted-destination.ts';
import { type ImageSource, isAboutOne } from '../../replication/image-source.ts';
import { RepositoryCopy } from '../../replication/repository-copy.ts';
import { type CommandContext, CommandRefused, type Run, UsageError } from '../command.ts';
import { showProgress } from '../progress.ts';
import { openStores, withDatabase } from '../with-database.ts';
import { openBucketFiles } from './bucket-files.ts';
import { NameMap } from './name-map.ts';
import { openRegistry, type RegistryAddress } from './open-registry.ts';
import { Places } from './places.ts';
import { openTree } from './registry-tree.ts';
import { Tally } from './tally.ts';
import { DirectoryFiles } from './tree-files.ts';

export interface ImportOptions extends Omit<RegistryAddress, 'url'> {
  readonly from?: string | undefined;
  readonly fromRegistry?: string | undefined;
  readonly map?: readonly string[] | undefined;
  readonly repository?: readonly string[] | undefined;
  readonly createGroups?: boolean | undefined;
  readonly user?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Whoever has the machine may do what administrators may; what is immutable is so for them, too. */
const writer: Writer = {
  key: 'import',
  userId: undefined,
  name: 'command line',
  address: undefined,
  protectionLevel: 60,
};

/** @throws UsageError */
export function imports(options: ImportOptions): Run {
  const { from, fromRegistry } = options;
  if ((from === undefined) === (fromRegistry === undefined))
    throw new UsageError('import takes either --from PLACE or --from-registry URL');
  const map = new NameMap(options.map ?? []);
  const isDryRun = options.dryRun === true;
  return async (context) => {
    const { config, log, print } = context;
    return withDatabase(config, log, async (database) => {
      await using opened = new AsyncDisposableStack();
      const source = await openSource(options, context, opened);
      const settings = new ApplicationSettings({
        database,
        configured: configuredSettings(config),
        forgetRegistries: () => undefined,
        now: Date.now,
      });
      if (!isDryRun) await demandWritable(settings);
      const stores = await openStores(config, database, log);
      opened.defer(() => stores.store.close());
      const hosted = createHosted(context, database, stores, settings);
      opened.defer(() => hosted.close());
      const tally = new Tally(print);
      const maker = options.createGroups ? await getMaker(database, options.user) : undefined;
      await importAll(context, {
        source,
        names: options.repository ?? (await source.listRepositories()),
        map,
        places: new Places({ database, settings, config, maker, isDryRun, now: Date.now }),
        repositories: isDryRun ? undefined : hosted.repositories,
        destination: { ...stores, records: database },
        tally,
      });
      const text = tally.describe(isDryRun);
      return tally.skipped > 0 ? { text } : text;
    });
  };
}

/** @param opened takes what is to be closed. @throws UsageError, CommandRefused */
async function openSource(
  { from, fromRegistry, ...address }: ImportOptions,
  context: CommandContext,
  opened: AsyncDisposableStack,
): Promise<ImageSource> {
  if (from === undefined) return openRegistry({ ...address, url: fromRegistry ?? '' }, context, opened);
  const bucket = from.includes('://') ? URL.parse(from) : null;
  return openTree(bucket ? await openBucketFiles(bucket, context, opened) : new DirectoryFiles(from), from);
}

interface Import {
  readonly source: ImageSource;
  readonly names: readonly string[];
  readonly map: NameMap;
  readonly places: Places;
  /** Undefined in a dry run. */
  readonly repositories: HostedRepositories | undefined;
  readonly destination: HostedDestinationOptions;
  readonly tally: Tally;
}

async function importAll(
  context: CommandContext,
  { source, names, map, tally, ...to }: Import,
): Promise<void> {
  const progress = await showProgress(
    context.terminal,
    `Importing ${names.length} repositories`,
    names.length,
  );
  try {
    for (const name of names) {
      try {
        const mapped = map.find(name);
        if (!mapped) {
          tally.leaveOut();
          continue;
        }
        await to.places.demandProject(mapped);
        const writable = await to.repositories?.getWritable(mapped.name, writer);
        const destination = new HostedDestination(to.destination, mapped.name, writable);
        const limits = context.config.hosted;
        const copy = new RepositoryCopy({
          name,
          source: source.open(name),
          destination,
          limits,
          tally,
          withReferrers: true,
        });
        await copy.run((share) => progress.advance(share));
        tally.repository();
      } catch (error) {
        if (!isAboutOne(error)) throw error;
        tally.skip(name, error.message);
      }
    }
  } finally {
    progress.end();
  }
}

/** What pushes by clients go through, without anything that works in the background. */
function createHosted(
  { config, log }: CommandContext,
  database: Database,
  stores: Awaited<ReturnType<typeof openStores>>,
  settings: ApplicationSettings,
) {
  const common = { config, settings, log, now: Date.now };
  const { reads, close } = createBlobReads({ ...stores, ...common, observer: { opened: () => undefined } });
  const hot = new HotContent(config.cache.hotManifestBytes);
  const hosted = createHostedRegistry({
    ...common,
    storage: { ...stores, database },
    reads,
    hot,
    // Nobody pulls from here.
    admission: { admit: async () => undefined },
  });
  return {
    repositories: hosted.repositories,
    async close(): Promise<void> {
      await hosted.close();
      await close();
    },
  };
}

async function demandWritable(settings: ApplicationSettings): Promise<void> {
  const reason = await settings.readOnlyReason();
  if (reason !== undefined) throw new CommandRefused(reason);
}

async function getMaker(database: Database, username = 'root') {
  const user = await database.users.findByUsername(username.toLowerCase());
  if (user) return actorFor(user);
  throw new CommandRefused(`there is no user '${username}': say by --user who owns what is made`);
}
