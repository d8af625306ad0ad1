/** What a command is given, and what it answers. */
import type { Readable, Writable } from 'node:stream';
import type { Secrets } from '../app/secrets.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../observe/log.ts';

/** Documented in docs/commands.md; as sysexits.h has them, where it does. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 64,
  unavailable: 69,
  noPermission: 77,
  config: 78,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Where a command reads and writes. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  /** For what is about the work, not its result. */
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface CommandContext {
  readonly config: Config;
  readonly log: Log;
  readonly terminal: Terminal;
  /** For what is to be seen before the end. */
  readonly print: (text: string) => void;
  readonly readSecrets: () => Promise<Secrets>;
}

/** What is to be printed at its end. @throws CommandRefused, and what the database and the store throw */
export type Run = (context: CommandContext) => Promise<string | Unsound>;

/** A report of what is not as it should be: the command has failed. */
export interface Unsound {
  readonly text: string;
}

/** Why a command has done nothing, in a sentence. */
export class CommandRefused extends Error {
  override readonly name: string = 'CommandRefused';
  readonly exitCode: ExitCode;

  constructor(message: string, options: ErrorOptions & { readonly exitCode?: ExitCode } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** What was typed is no command of ours; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
