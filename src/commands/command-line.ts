/** The table of the commands: their words, and where what they do is found, which a server is spared. */
import { parseArgs } from 'node:util';
import { findNearest } from '../config/settings.ts';
import { type Run, UsageError } from './command.ts';

export const help = `Usage: entrepot [command] [options]

Commands
  serve          run the server (this is what happens without a command)
  config         print the effective configuration, without secrets
  migrate        bring the database up to date and stop
  token create   create an access token, for instance because root's is lost, and print it once
  gc             collect what is due once, beside a running server too, and say what went and why the rest stays
  keys list      print the keys that sign registry tokens, and until when they are good
  storage check  read all that is stored and say what is wrong with it; --repair quarantines and removes it
  storage migrate  move what other stores have to the one that new bytes go to, beside running servers too
  storage adopt  take what is in storage.directory for the store of this database, where a server refuses it
  setup CLIENT   print the file or the commands by which a client pulls through a virtual registry of this server
  backup FILE    write a backup of the embedded default to a new file, while the server runs or not
  restore FILE   put a backup into an empty data directory
  keys rotate    make a new one, which signs from then on; what the old ones signed stays good to its end
  version        print the version
  help           print this

Options
  --config FILE  settings that differ from config/default.yaml; ENTREPOT_… variables come on top
  --registry ID  through which virtual registry (setup; 1)
  --user NAME    whose token it is (token create)
  --name TEXT    what the token is for (token create; "command line")
  --scopes LIST  what it may be used for, with commas (token create; api)
  --expires DATE the day it ends, as 2027-01-31 (token create; never)
  --to STORE     filesystem, s3, azure or gcs (storage migrate; what storage.driver says)
  --bytes-per-second N  the most that is read, such as 50MiB (storage migrate; as fast as it goes)
  --repair       quarantine what is corrupt, remove what no record names (storage check)
  --dry-run      only say what would go (gc, storage migrate)
  --now          whatever gc.review_after says; pushes that run may have to be repeated (gc)
  -m, --delete-untagged  also manifests without a tag, whatever gc.untagged says, and all at once as with --now (gc)
  --repository NAME  only what this repository has (gc)
  --in DURATION  from when on the new key signs, such as 90, 15m, 1h or 2d (keys rotate; 5s)

In a source checkout a command follows two dashes: npm start -- config
`;

const commonOptions = {
  config: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;
const tokenOptions = {
  user: { type: 'string' },
  name: { type: 'string' },
  scopes: { type: 'string' },
  expires: { type: 'string' },
} as const;
const rotateOptions = { in: { type: 'string' } } as const;
const setupCommandOptions = { registry: { type: 'string' } } as const;
const checkOptions = { repair: { type: 'boolean' } } as const;
const dryRunOption = { 'dry-run': { type: 'boolean' } } as const;
const migrationOptions = {
  ...dryRunOption,
  to: { type: 'string' },
  'bytes-per-second': { type: 'string' },
} as const;
const collectOptions = {
  ...dryRunOption,
  now: { type: 'boolean' },
  'delete-untagged': { type: 'boolean', short: 'm' },
  repository: { type: 'string' },
} as const;
const options = {
  ...commonOptions,
  ...tokenOptions,
  ...rotateOptions,
  ...checkOptions,
  ...collectOptions,
  ...migrationOptions,
  ...setupCommandOptions,
} as const;

type Values = ReturnType<typeof parse>['values'];

interface Words {
  /** That no other command has. */
  readonly options?: object;
  /** What it does; absent where the program itself knows. @throws UsageError */
  readonly load?: (values: Values) => Promise<Run>;
  /** Instead, where one file or client is named. @throws UsageError */
  readonly loadFor?: (named: string, values: Values) => Promise<Run>;
}

const commands: ReadonlyMap<string, Words> = new Map<string, Words>([
  ['serve', {}],
  ['config', {}],
  ['migrate', { load: async () => (await import('./migrate.ts')).bringUpToDate }],
  ['keys list', { load: async () => (await import('./keys.ts')).listKeys }],
  ['storage adopt', { load: async () => (await import('./adopt.ts')).adoptStore }],
  [
    'token create',
    { options: tokenOptions, load: async (values) => (await import('./token.ts')).tokenCreation(values) },
  ],
  [
    'gc',
    { options: collectOptions, load: async (values) => (await import('./collect.ts')).collection(values) },
  ],
  [
    'storage check',
    { options: checkOptions, load: async (values) => (await import('./check.ts')).storageCheck(values) },
  ],
  [
    'storage migrate',
    {
      options: migrationOptions,
      load: async (values) => (await import('./storage-migration.ts')).storageMigration(values),
    },
  ],
  [
    'setup',
    {
      options: setupCommandOptions,
      loadFor: async (client, values) => (await import('./setup.ts')).clientSetup(client, values),
    },
  ],
  ['backup', { loadFor: async (file) => (await import('./backup.ts')).backup(file) }],
  ['restore', { loadFor: async (file) => (await import('./restore.ts')).restore(file) }],
  [
    'keys rotate',
    { options: rotateOptions, load: async (values) => (await import('./keys.ts')).keyRotation(values) },
  ],
  ['version', {}],
  ['help', {}],
]);

export interface Command {
  /** As it is typed, e.g. `token create`. */
  readonly name: string;
  readonly configFile: string | undefined;
  /** Undefined for serve, config, version and help. */
  readonly run: Run | undefined;
}

/** @param args what follows the script's name. @throws UsageError */
export async function parseCommand(args: readonly string[]): Promise<Command> {
  const { values, positionals } = parse(args);
  const configFile = values.config;
  const typed = positionals.join(' ') || 'serve';
  for (const name of ['help', 'version'] as const)
    if (values[name] || typed === name) return { name, configFile, run: undefined };

  const [first = '', named, ...others] = positionals;
  const name = commands.get(first)?.loadFor ? first : typed;
  const words = commands.get(name);
  if (!words) throw unknownCommand(name);
  refuseOthersOptions(values, name);
  if (!words.loadFor) return { name, configFile, run: await words.load?.(values) };
  if (named === undefined || others.length > 0)
    throw new UsageError(`${name} needs one ${name === 'setup' ? 'client' : 'file'}`);
  return { name, configFile, run: await words.loadFor(named, values) };
}

function refuseOthersOptions(values: object, name: string): void {
  const own = commands.get(name)?.options ?? {};
  for (const [command, words] of commands) {
    const refused = Object.keys(words.options ?? {}).find((option) => option in values && !(option in own));
    if (refused !== undefined) throw new UsageError(`--${refused} belongs to ${command}`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const [message = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    const unknown = /^Unknown option '(-[^']+)'/.exec(message)?.[1];
    if (unknown === undefined) throw new UsageError(message);
    const known = Object.keys(options).map((option) => `--${option}`);
    throw new UsageError(`no such option: ${unknown}${suggest(findNearest(unknown, known))}`);
  }
}

function unknownCommand(name: string): UsageError {
  const [first = ''] = name.split(' ');
  const names = [...commands.keys()];
  const longer = names.filter((command) => command.startsWith(`${name} `));
  if (longer.length > 0) return new UsageError(`${name} is half a command: ${longer.join(', ')}`);
  const shorter = names.find((command) => name.startsWith(`${command} `));
  if (shorter !== undefined) return new UsageError(`${shorter} takes no '${name.slice(shorter.length + 1)}'`);
  return new UsageError(
    `no such command: ${name}${suggest(findNearest(name, names) ?? findNearest(first, names))}`,
  );
}

function suggest(nearest: string | undefined): string {
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}
