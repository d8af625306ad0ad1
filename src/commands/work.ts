/** What is to be done, once the words of a command are understood. */
import type { Command } from 'commander';
import { type ExitCode, exitCodes, type Run } from './command.ts';
import { type Ask, asked, type RemoteRun } from './remote/remote.ts';

export type Work =
  | { readonly kind: 'serve'; readonly configFile: string | undefined }
  | { readonly kind: 'config'; readonly configFile: string | undefined }
  /** Looks at this machine, whatever is wrong with its configuration. */
  | { readonly kind: 'doctor'; readonly configFile: string | undefined; readonly asJson: boolean }
  /** With the configuration and the data of this machine. */
  | { readonly kind: 'machine'; readonly configFile: string | undefined; readonly run: Run }
  /** Asks a server, which may be elsewhere. */
  | { readonly kind: 'server'; readonly asJson: boolean; readonly run: RemoteRun }
  | { readonly kind: 'print'; readonly text: string; readonly exitCode: ExitCode };

export type Decide = (work: Work) => void;

export function printed(text: string): Work {
  return { kind: 'print', text, exitCode: exitCodes.done };
}

/** A command with the option that all have which read the configuration. */
export function onMachine(parent: Command, words: string, description: string): Command {
  return parent
    .command(words)
    .description(description)
    .option('--config <file>', 'settings that differ from the defaults; ENTREPOT_… variables come on top');
}

/** The action of a command on this machine. @param load finds what it does, which others are spared */
export function machineAction<Words extends readonly unknown[]>(
  decide: Decide,
  load: (...words: Words) => Promise<Run>,
): (this: Command, ...words: Words) => Promise<void> {
  return async function (...words) {
    decide({ kind: 'machine', configFile: this.opts()['config'], run: await load(...words) });
  };
}

export function askWith(decide: Decide): Ask {
  return (run) =>
    function (...words) {
      decide({
        kind: 'server',
        asJson: this.opts()['json'] === true,
        run: async (context) => run(await asked(context), ...words),
      });
    };
}
