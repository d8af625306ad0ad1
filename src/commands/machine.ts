/** Commands that look after the server on this machine, beside it or without it. */
import { Argument, type Command } from 'commander';
import { setupClients } from '../management/setup/client-setups.ts';
import type { CollectOptions } from './collect.ts';
import type { ImportOptions } from './import/import.ts';
import type { MigrationOptions } from './storage-migration.ts';
import { type Decide, machineAction, onMachine } from './work.ts';

export function addMachineCommands(program: Command, decide: Decide): void {
  for (const [kind, description] of [
    ['serve', 'run the server'],
    ['config', 'print the effective configuration, without secrets'],
  ] as const)
    onMachine(program, kind, description).action(({ config }: { config?: string }) =>
      decide({ kind, configFile: config }),
    );
  onMachine(
    program,
    'doctor',
    'look at all that the server stands on, whether it runs or not, and say what to mend',
  )
    .option('--json', 'print JSON, for programs')
    .action(({ config, json = false }: { config?: string; json?: boolean }) =>
      decide({ kind: 'doctor', configFile: config, asJson: json }),
    );
  onMachine(program, 'migrate', 'bring the database up to date and stop').action(
    machineAction(decide, async () => (await import('./migrate.ts')).bringUpToDate),
  );
  onMachine(program, 'gc', 'collect what is due once, and say what went and why the rest stays')
    .option('--dry-run', 'only say what would go')
    .option('--now', 'whatever gc.review_after says; pushes that run may have to be repeated')
    .option('-m, --delete-untagged', 'also manifests without a tag, whatever gc.untagged says, as with --now')
    .option('--repository <name>', 'only what this repository has')
    .action(
      machineAction(decide, async (options: CollectOptions) =>
        (await import('./collect.ts')).collection(options),
      ),
    );
  addStorageCommands(program, decide);
  addImport(program, decide);
  onMachine(
    program,
    'backup <file>',
    'write a backup of the embedded default to a new file, beside the server',
  ).action(machineAction(decide, async (file: string) => (await import('./backup.ts')).backup(file)));
  onMachine(program, 'restore <file>', 'put a backup into an empty data directory').action(
    machineAction(decide, async (file: string) => (await import('./restore.ts')).restore(file)),
  );
  addKeyCommands(program, decide);
  onMachine(
    program,
    'setup',
    'print how a client is set up to pull through a virtual registry of this server',
  )
    .addArgument(new Argument('<client>').choices(setupClients))
    .option('--registry <id>', 'through which virtual registry', '1')
    .action(
      machineAction(decide, async (client: string, options: { registry: string }) =>
        (await import('./setup.ts')).clientSetup(client, options),
      ),
    );
}

function addStorageCommands(program: Command, decide: Decide): void {
  const storage = program.command('storage').description('the bytes that are stored');
  onMachine(storage, 'check', 'read all that is stored, and say what is wrong with it')
    .option('--repair', 'quarantine what is corrupt, remove what no record names')
    .action(
      machineAction(decide, async (options: { repair?: true }) =>
        (await import('./check.ts')).storageCheck(options),
      ),
    );
  onMachine(storage, 'migrate', 'move what other stores have to one, beside running servers too')
    .option('--to <store>', 'filesystem, s3, azure or gcs (default: what storage.driver says)')
    .option('--bytes-per-second <n>', 'the most that is read, such as 50MiB (default: as fast as it goes)')
    .option('--dry-run', 'only say what would move')
    .action(
      machineAction(decide, async (options: MigrationOptions) =>
        (await import('./storage-migration.ts')).storageMigration(options),
      ),
    );
  onMachine(storage, 'adopt', 'take what is in storage.directory for the store of this database').action(
    machineAction(decide, async () => (await import('./adopt.ts')).adoptStore),
  );
}

function addImport(program: Command, decide: Decide): void {
  onMachine(program, 'import', 'bring the images of another registry, beside a running server too')
    .option('--from <place>', 'a directory, or a bucket as s3://bucket/root, with docker/registry/v2 in it')
    .option('--from-registry <url>', 'of a registry that speaks the API')
    .option(
      '--map <rules...>',
      "such as 'old/*=group/project/*'; the first that matches counts (default: as it is)",
    )
    .option('--repository <names...>', 'only these, as they are called there')
    .option('--create-groups', 'make the groups and projects that are missing, which are private')
    .option('--user <name>', 'who owns what is made (default: root)')
    .option('--username <name>', 'who logs in there; the password is asked for, or read from standard input')
    .option('--password-file <file>', 'where the password is read instead')
    .option('--private-network', 'the registry may be in a private network')
    .option('--dry-run', 'only say what would be imported, and what cannot be')
    .action(
      machineAction(decide, async (options: ImportOptions) =>
        (await import('./import/import.ts')).imports(options),
      ),
    );
}

function addKeyCommands(program: Command, decide: Decide): void {
  const keys = program.command('keys').description('the keys that sign registry tokens');
  onMachine(keys, 'list', 'print them, and until when they are good').action(
    machineAction(decide, async () => (await import('./keys.ts')).listKeys),
  );
  onMachine(keys, 'rotate', 'make a new one; what the old ones signed stays good to its end')
    .option('--in <duration>', 'from when on it signs, such as 90, 15m, 1h or 2d (default: 5s)')
    .action(
      machineAction(decide, async (options: { in?: string }) =>
        (await import('./keys.ts')).keyRotation(options),
      ),
    );
}
