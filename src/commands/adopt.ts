/** `entrepot storage adopt`: whatever is in the store's directory is the store of this database from now on. */
import { storeIdKey } from '../app/storage.ts';
import { blobDirectoryOf } from '../config/data-directory.ts';
import { makeStore } from '../storage/store-identity.ts';
import { type CommandContext, CommandRefused } from './command.ts';
import { withDatabase } from './with-database.ts';

/** What was done, for people. */
export async function adoptStore({ config, log }: Pick<CommandContext, 'config' | 'log'>): Promise<string> {
  if (config.storage.driver !== 'filesystem')
    throw new CommandRefused('only a directory can be taken for the store: storage.driver names a bucket');
  const root = blobDirectoryOf(config);
  await withDatabase(config, log, (database) =>
    database.transaction(async (tx) => {
      const id = await makeStore(root);
      await tx.instance.set(storeIdKey, id);
      await tx.auditEvents.add({
        actorName: 'command line',
        action: 'storage.adopt',
        targetId: id,
        details: { directory: root },
      });
    }),
  );
  return `${root} is the store of this database from now on. entrepot storage check says what of it is missing.\n`;
}
