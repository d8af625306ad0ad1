/** Every command as docs/commands.md has it; `node test/support/command-reference.ts` prints it. */
import { type Command, Help } from 'commander';
import { createProgram } from '../../src/commands/program.ts';

const help = new Help();
/** Of all commands of a kind, above their list. */
const saidOnce: (string | undefined)[] = ['--help', '--config', '--json'];

export function commandReference(): string {
  const nothing = () => undefined;
  const commands = help.visibleCommands(createProgram(nothing, nothing)).filter(isOurs);
  const groups = Map.groupBy(commands, (command) => command.helpGroup().replace(/:$/, ''));
  return [...groups]
    .map(([group, those]) => [`## ${group}`, ...those.flatMap(entriesOf)].join('\n\n'))
    .join('\n\n');
}

function isOurs(command: Command): boolean {
  return command.name() !== 'help';
}

function entriesOf(command: Command): string[] {
  const below = help.visibleCommands(command).filter(isOurs);
  if (below.length > 0) return below.flatMap(entriesOf);
  const options = help.visibleOptions(command).filter(({ long }) => !saidOnce.includes(long));
  const rows = options.map((option) => `| \`${option.flags}\` | ${help.optionDescription(option)} |`);
  const table = rows.length > 0 ? [['| Option | |', '|---|---|', ...rows].join('\n')] : [];
  const usage = help.commandUsage(command).replace(' [options]', '');
  return [`### \`${usage}\``, command.description(), ...table];
}

if (import.meta.main) process.stdout.write(`${commandReference()}\n`);
