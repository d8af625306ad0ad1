/** Where a command reads and writes that runs in the test's own process. */
import { PassThrough, Readable } from 'node:stream';
import type { Terminal } from '../../src/commands/command.ts';
import { parseCommand } from '../../src/commands/program.ts';
import { Output } from '../../src/commands/remote/output.ts';
import { readConfig } from '../../src/config/load-config.ts';
import { silentLog } from './silent-log.ts';

export class TestTerminal {
  readonly terminal: Terminal;
  readonly #written = new PassThrough();

  /** @param environment that the command sees. @param input what it reads */
  constructor(environment: Terminal['environment'] = {}, input = '') {
    const stdin = Readable.from(input === '' ? [] : [input]);
    this.terminal = { stdin, stdout: this.#written, stderr: new PassThrough(), environment };
  }

  /** What was written to standard output so far. */
  get stdout(): string {
    return String(this.#written.read() ?? '');
  }
}

/**
 * What a command prints that works on this machine, and whether it has failed.
 * @param environment ENTREPOT_ variables. @throws CommandRefused, UsageError
 */
export async function runHere(
  environment: Terminal['environment'],
  args: readonly string[],
  input = '',
): Promise<{ readonly text: string; readonly isSound: boolean }> {
  const work = await parseCommand(args);
  if (work.kind !== 'machine') throw new Error(`${args.join(' ')} is not for this machine: ${work.kind}`);
  let text = '';
  const report = await work.run({
    config: readConfig(undefined, environment),
    log: silentLog,
    terminal: new TestTerminal(environment, input).terminal,
    print: (more) => {
      text += more;
    },
    readSecrets: () => Promise.reject(new Error('no secrets are here')),
  });
  const isSound = typeof report === 'string';
  return { text: text + (isSound ? report : report.text), isSound };
}

/** What a command prints that asks a server. @throws CommandRefused, UsageError */
export async function askServer(
  environment: Terminal['environment'],
  args: readonly string[],
  input = '',
): Promise<string> {
  const work = await parseCommand(args);
  if (work.kind !== 'server') throw new Error(`${args.join(' ')} asks no server: ${work.kind}`);
  const terminal = new TestTerminal(environment, input);
  await work.run({
    terminal: terminal.terminal,
    output: new Output(terminal.terminal, work.asJson),
  });
  return terminal.stdout;
}
