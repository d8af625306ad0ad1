import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import type { Database } from '../../../src/metadata/db/database.ts';
import type { Records } from '../../../src/metadata/db/records.ts';
import { MissingContent } from '../../../src/metadata/db/violations.ts';
import { collectorOf } from '../../support/collecting.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { eventually } from '../../support/eventually.ts';
import { createRepository, digestOfText, linkBlob, manifestOf } from '../../support/hosted-records.ts';
import { createCache } from '../retention/cached-kit.ts';
import { dayMs } from './stored-kit.ts';

const blob = digestOfText('blob');
const manifest = manifestOf('manifest');

interface Kit {
  readonly database: Database;
  /** Another process. */
  readonly other: Database;
  readonly repositoryId: number;
  readonly cache: { readonly groupId: number; readonly upstreamId: number };
}

/** A blob and a manifest that nothing holds, each due once `due` has put it up for review; who begins to rely on it, and what becomes of that. */
const cases = {
  'the link of a blob': {
    due: ({ database, repositoryId }) => database.reviews.addLinks(repositoryId, [blob], 'blob_upload'),
    rely: ({ other, repositoryId }) =>
      other.transaction((tx) => tx.repositoryBlobs.listMissing(repositoryId, [blob])),
    outcome: [blob],
  },
  'a manifest': {
    due: ({ database, repositoryId }) => database.reviews.addUntagged(repositoryId),
    rely: ({ other, repositoryId }) =>
      other.transaction(async (tx) => {
        await tx.repositories.hold(repositoryId, 'publish');
        return tx.repositoryManifests.listMissing(repositoryId, [manifest.digest]);
      }),
    outcome: [manifest.digest],
  },
  'the bytes of a blob, for a repository': {
    due: async ({ database, repositoryId }) => {
      await database.repositoryBlobs.unlink(repositoryId, blob);
      await database.reviews.addBlobs([blob], 'link_collect');
    },
    rely: ({ other, repositoryId }) => other.repositoryBlobs.link(repositoryId, blob),
    outcome: expect.any(MissingContent),
  },
  'the bytes of a blob, for an entry': {
    due: async ({ database, repositoryId }) => {
      await database.repositoryBlobs.unlink(repositoryId, blob);
      await database.reviews.addBlobs([blob], 'link_collect');
    },
    rely: ({ other, cache }) => other.cacheEntries.linkBlob({ ...entryOf(cache), digest: blob, size: 4 }),
    outcome: expect.any(MissingContent),
  },
  'the payload of a manifest, for an entry': {
    due: async ({ database, repositoryId }) => {
      await database.repositoryManifests.remove(repositoryId, manifest.digest);
      await database.reviews.addPayloads([manifest.digest], 'entry_evict');
    },
    rely: ({ other, cache }) => {
      const { digest, payload } = manifest;
      const link = { ...entryOf(cache), kind: 'manifest', reference: 'v1', digest, etag: undefined } as const;
      return other.cacheEntries.linkManifest({ ...link, size: payload.length });
    },
    outcome: expect.any(MissingContent),
  },
} satisfies Record<
  string,
  {
    readonly due: (kit: Kit) => Promise<void>;
    readonly rely: (kit: Kit) => Promise<unknown>;
    readonly outcome: unknown;
  }
>;

function entryOf({ groupId, upstreamId }: Kit['cache']) {
  const repository = 'team/app' as never;
  return { groupId, upstreamId, repository, mediaType: 'application/octet-stream', checkedAt: 1 };
}

describeEachDatabase(
  'what the collector has found to be held by nothing',
  (open, { name, createPlace, clock }) => {
    // SQLite has one writer at a time, whatever is locked.
    test.runIf(name === 'PostgreSQL').each(Object.entries(cases))(
      'is not relied on by others any more, who see that it is gone: %s',
      async (_, { due, rely, outcome }) => {
        const place = await createPlace();
        const [database, other] = [await open(place), await open(place)];
        const { id: repositoryId } = await createRepository(database, 'acme/shop');
        await linkBlob(database, repositoryId, 'blob');
        await database.repositoryManifests.save(repositoryId, manifest);
        const kit = { database, other, repositoryId, cache: await createCache(database) };
        await due(kit);
        clock.now += dayMs;
        let relying: Promise<unknown> | undefined;
        const judged = async () => {
          if (relying) return;
          relying = rely(kit).catch((error: unknown) => error);
          await Promise.race([relying, untilOneWaits(place.url)]);
        };
        const store = { delete: async () => undefined };
        await collectorOf({ database: watched(database, judged), store, clock }, { untaggedMs: 0 }).run();
        expect(await relying).toEqual(outcome);
      },
    );
  },
);

/** The same, which calls back once in a transaction, when it has answered what holds something. */
function watched(database: Database, answered: () => Promise<void>): Database {
  const watchedIn = (tx: Records): Records =>
    Object.create(tx, {
      holders: {
        value: new Proxy(tx.holders, {
          get:
            (holders, property) =>
            async (...given: unknown[]) => {
              const result = await Reflect.get(holders, property).apply(holders, given);
              await answered();
              return result;
            },
        }),
      },
    });
  return Object.create(database, {
    transaction: {
      value: <T>(run: (tx: Records) => Promise<T>) => database.transaction((tx) => run(watchedIn(tx))),
    },
  });
}

/** Until a connection of this database waits for what another one has locked. */
async function untilOneWaits(url: string | undefined): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  const statement = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await eventually(async () => expect((await client.query(statement)).rows).toHaveLength(1));
}
