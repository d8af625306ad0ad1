/** The words of the command line, and nothing of what they do. */
import { parseArgs } from 'node:util';
import { isTokenScope, type TokenScope, tokenScopes } from '../auth/rights/identity.ts';
import { findNearest } from '../config/settings.ts';
import type { CollectRequest } from './collect-command.ts';

export const help = `Usage: entrepot [command] [options]

Commands
  serve          run the server (this is what happens without a command)
  config         print the effective configuration, without secrets
  migrate        bring the database up to date and stop
  token create   create an access token, for instance because root's is lost, and print it once
  gc             collect what is due once, beside a running server too, and say what went and why the rest stays
  keys list      print the keys that sign registry tokens, and until when they are good
  storage check  read all that is stored and say what is wrong with it; --repair quarantines and removes it
  storage adopt  take what is in storage.directory for the store of this database, where a server refuses it
  backup FILE    write a backup of the embedded default to a new file, while the server runs or not
  restore FILE   put a backup into an empty data directory
  keys rotate    make a new one, which signs from then on; what the old ones signed stays good to its end
  version        print the version
  help           print this

Options
  --config FILE  settings that differ from config/default.yaml; ENTREPOT_… variables come on top
  --user NAME    whose token it is (token create)
  --name TEXT    what the token is for (token create; "command line")
  --scopes LIST  what it may be used for, with commas (token create; api)
  --expires DATE the day it ends, as 2027-01-31 (token create; never)
  --repair       quarantine what is corrupt, remove what no record names (storage check)
  --dry-run      only say what would go (gc)
  --now          whatever gc.review_after says; pushes that run may have to be repeated (gc)
  -m, --delete-untagged  also manifests without a tag, whatever gc.untagged says, and all at once as with --now (gc)
  --repository NAME  only what this repository has (gc)
  --in DURATION  from when on the new key signs, such as 90, 15m, 1h or 2d (keys rotate; 5s)

In a source checkout a command follows two dashes: npm start -- config
`;

const plainCommands = ['serve', 'config', 'migrate', 'keys list', 'storage adopt'] as const;
const commands = [
  ...plainCommands,
  'token create',
  'gc',
  'storage check',
  'backup',
  'restore',
  'keys rotate',
  'version',
  'help',
];

type Plain<Name> = Name extends string
  ? { readonly name: Name; readonly configFile: string | undefined }
  : never;

export type Command =
  | Plain<(typeof plainCommands)[number]>
  | {
      readonly name: 'keys rotate';
      readonly configFile: string | undefined;
      /** Milliseconds; undefined: as soon as possible. */
      readonly inMs: number | undefined;
    }
  | {
      readonly name: 'token create';
      readonly configFile: string | undefined;
      readonly token: TokenRequest;
    }
  | {
      readonly name: 'storage check';
      readonly configFile: string | undefined;
      readonly repair: boolean;
    }
  | {
      readonly name: 'gc';
      readonly configFile: string | undefined;
      readonly request: CollectRequest;
    }
  | { readonly name: 'backup' | 'restore'; readonly configFile: string | undefined; readonly file: string }
  | { readonly name: 'version' }
  | { readonly name: 'help' };

export interface TokenRequest {
  readonly username: string;
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  /** Epoch milliseconds: when the day that was given begins, in UTC. */
  readonly expiresAt: number | undefined;
}

/** What was typed is no command of ours; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const tokenOptions = {
  user: { type: 'string' },
  name: { type: 'string' },
  scopes: { type: 'string' },
  expires: { type: 'string' },
} as const;

const rotateOptions = { in: { type: 'string' } } as const;
const checkOptions = { repair: { type: 'boolean' } } as const;
const collectOptions = {
  'dry-run': { type: 'boolean' },
  now: { type: 'boolean' },
  'delete-untagged': { type: 'boolean', short: 'm' },
  repository: { type: 'string' },
} as const;

const options = {
  config: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  ...tokenOptions,
  ...rotateOptions,
  ...checkOptions,
  ...collectOptions,
} as const;

const durations = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };
const maxDurationMs = 30 * 86_400_000;

/** @param args what follows the script's name. @throws UsageError */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  const name = positionals.join(' ') || 'serve';
  if (values.help || name === 'help') return { name: 'help' };
  if (values.version || name === 'version') return { name: 'version' };

  const [first = '', file, ...others] = positionals;
  const takesFile = first === 'backup' || first === 'restore';
  if (!takesFile && positionals.length > 0 && !commands.includes(name)) throw unknownCommand(name);
  const configFile = values.config;
  if (name !== 'token create') refuseOptions(values, tokenOptions, 'token create');
  if (name !== 'keys rotate') refuseOptions(values, rotateOptions, 'keys rotate');
  if (name !== 'storage check') refuseOptions(values, checkOptions, 'storage check');
  if (name !== 'gc') refuseOptions(values, collectOptions, 'gc');
  if (name === 'token create') {
    const { user: username, name: tokenName = 'command line', scopes = 'api', expires } = values;
    if (!username) throw new UsageError('token create needs --user');
    const expiresAt = expires === undefined ? undefined : parseDate(expires);
    return { name, configFile, token: { username, name: tokenName, scopes: parseScopes(scopes), expiresAt } };
  }
  if (name === 'keys rotate') {
    return { name, configFile, inMs: values.in === undefined ? undefined : parseDuration(values.in) };
  }
  if (name === 'gc') {
    const { 'dry-run': dryRun = false, 'delete-untagged': deleteUntagged = false } = values;
    const { now = false, repository } = values;
    return { name, configFile, request: { dryRun, now, deleteUntagged, repository } };
  }
  if (name === 'storage check') return { name, configFile, repair: values.repair ?? false };
  if (takesFile) {
    if (file === undefined || others.length > 0) throw new UsageError(`${first} needs one file`);
    return { name: first, configFile, file };
  }
  const plain = plainCommands.find((each) => each === name);
  if (!plain) throw unknownCommand(name);
  return { name: plain, configFile };
}

function refuseOptions(values: object, refused: object, command: string): void {
  for (const option of Object.keys(refused)) {
    if (option in values) throw new UsageError(`--${option} belongs to ${command}`);
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
  const longer = commands.filter((command) => command.startsWith(`${name} `));
  if (longer.length > 0) return new UsageError(`${name} is half a command: ${longer.join(', ')}`);
  const shorter = commands.find((command) => name.startsWith(`${command} `));
  if (shorter !== undefined) return new UsageError(`${shorter} takes no '${name.slice(shorter.length + 1)}'`);
  return new UsageError(
    `no such command: ${name}${suggest(findNearest(name, commands) ?? findNearest(first, commands))}`,
  );
}

function suggest(nearest: string | undefined): string {
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

function parseScopes(text: string): TokenScope[] {
  return text.split(',').map((part) => {
    const scope = part.trim();
    if (isTokenScope(scope)) return scope;
    throw new UsageError(`--scopes: '${scope}' is none of ${tokenScopes.join(', ')}`);
  });
}

function parseDate(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // The 30th of February would be taken for the 1st of March.
  if (!Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)) return ms;
  throw new UsageError(`--expires: '${text}' is no date such as 2027-01-31`);
}

function parseDuration(text: string): number {
  const [, digits, unit = ''] = /^([0-9]{1,9})([smhd]?)$/.exec(text) ?? [];
  const ms = digits === undefined || !isUnit(unit) ? Number.NaN : Number(digits) * durations[unit] * 1000;
  if (ms <= maxDurationMs) return ms;
  throw new UsageError(`--in: '${text}' is no duration such as 90, 15m, 1h or 2d, or more than 30d`);
}

function isUnit(text: string): text is keyof typeof durations {
  return Object.hasOwn(durations, text);
}
