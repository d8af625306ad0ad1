/** Commands that ask a server: how their words become work. */
import type { Command } from 'commander';
import { version } from '../../config/version.ts';
import type { Terminal } from '../command.ts';
import { ApiClient } from './api-client.ts';
import { readLogin } from './login-file.ts';
import type { Output } from './output.ts';

export interface RemoteContext {
  readonly terminal: Terminal;
  readonly output: Output;
}

/** @throws CommandRefused */
export type RemoteRun = (context: RemoteContext) => Promise<void>;

export interface Asked extends RemoteContext {
  readonly api: ApiClient;
}

/** What a command's action is: it decides that this is to be run, as who is logged in. */
export type Ask = <Words extends readonly unknown[]>(
  run: (asked: Asked, ...words: Words) => Promise<void>,
) => (this: Command, ...words: Words) => void;

export function clientOf(login: ConstructorParameters<typeof ApiClient>[0]): ApiClient {
  return new ApiClient(login, `entrepot/${version}`);
}

/** A command with the option that all of them have. */
export function online(parent: Command, words: string, description: string): Command {
  return parent.command(words).description(description).option('--json', 'print JSON, for programs');
}

/** As who is logged in. */
export async function asked(context: RemoteContext): Promise<Asked> {
  return { ...context, api: clientOf(await readLogin(context.terminal.environment)) };
}
