/** The table of the commands: their words, and where what they do is found. A server that runs has none of it in its memory. */
import tab from '@bomb.sh/tab/commander';
import { Command, CommanderError } from 'commander';
import { version } from '../config/version.ts';
import { exitCodes, UsageError } from './command.ts';
import { addMachineCommands } from './machine.ts';
import { addImageCommands } from './remote/images.ts';
import { addLoginCommands } from './remote/login.ts';
import { addUserCommands } from './remote/people.ts';
import { addPlaceCommands } from './remote/places.ts';
import { addPrewarmCommands } from './remote/prewarms.ts';
import { addRegistryCommands } from './remote/registries.ts';
import { addReplicationCommands } from './remote/replication.ts';
import { addTokenCommands } from './remote/tokens.ts';
import { addUpstreamCommands } from './remote/upstreams.ts';
import { askWith, type Decide, printed, type Work } from './work.ts';

/** @param args what follows the script's name. @throws UsageError */
export async function parseCommand(args: readonly string[]): Promise<Work> {
  let text = '';
  let work: Work | undefined;
  const program = createProgram(
    (next) => {
      work = next;
    },
    (more) => {
      text += more;
    },
  );
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (text === '') throw new UsageError(inOneLine(error.message));
    // Help that nobody asked for is of half a command.
    return { kind: 'print', text, exitCode: error.exitCode === 0 ? exitCodes.done : exitCodes.usage };
  }
  return work ?? printed(text);
}

/** @param decide takes what an action decided. @param write takes its help */
export function createProgram(decide: Decide, write: (text: string) => void): Command {
  const program = new Command('entrepot')
    .description('Container virtual registry and hosted OCI registry in one server.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'what a command does, and takes')
    .helpCommand('help [command]', 'the same')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write, outputError: () => undefined });
  const ask = askWith(decide);
  program.commandsGroup('Look after the server on this machine:');
  addMachineCommands(program, decide);
  program.commandsGroup('Ask a server, here or elsewhere:');
  addLoginCommands(program, decide);
  addTokenCommands(program, ask, decide);
  for (const add of [
    addUserCommands,
    addPlaceCommands,
    addRegistryCommands,
    addUpstreamCommands,
    addImageCommands,
    addPrewarmCommands,
    addReplicationCommands,
  ])
    add(program, ask);
  program.commandsGroup('This program:');
  program
    .command('version')
    .description('print the version')
    .action(() => decide(printed(`${version}\n`)));
  tab(program, { completionCommandName: 'completion' });
  return program;
}

function inOneLine(message: string): string {
  return message.replace(/^error: /, '').replaceAll(/\n+/g, ' ');
}
